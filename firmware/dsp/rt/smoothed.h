// A number that goes to where it is wanted in a straight line, so that nothing zips.
#pragma once

namespace nampedal {

class Smoothed {
 public:
  void jump(float value) noexcept {
    value_ = target_ = value;
    left_ = 0;
  }

  // Be there after so many frames.
  void aim(float target, int frames) noexcept {
    target_ = target;
    left_ = frames;
    step_ = (target - value_) / static_cast<float>(frames > 0 ? frames : 1);
    if (frames <= 0) value_ = target;
  }

  // The next frame's.
  float next() noexcept {
    if (left_ > 0) value_ = --left_ == 0 ? target_ : value_ + step_;
    return value_;
  }

  void skip(int frames) noexcept {
    if (frames >= left_) {
      value_ = target_;
      left_ = 0;
    } else {
      value_ += step_ * static_cast<float>(frames);
      left_ -= frames;
    }
  }

  float value() const noexcept { return value_; }
  float target() const noexcept { return target_; }
  bool moving() const noexcept { return left_ > 0; }
  // Frames until it is there.
  int left() const noexcept { return left_; }

 private:
  float value_ = 0.0f;
  float target_ = 0.0f;
  float step_ = 0.0f;
  int left_ = 0;
};

}  // namespace nampedal
