# make test-image      builds the images of two emulated pedals and boots them: one that plays through a loopback, on virt
#                      (most of it) and raspi3b (its own card), and one with a USB interface, on virt
#
# make test-boot       the part of test-image for every change of the pedal: without what NOT_RUN names below
#
# make test-raspios    builds an image of every board, of bookworm and of trixie, from a stand-in of Raspberry Pi's archive
#
# test-image builds one of each release from that archive. Debian's packages are kept in build/image/cache and
# build/image/cache-raspios: without them, a first run takes ten minutes more.

IMAGE := build/image
IMAGE_PACKAGES := apt-utils arch-test bmap-tools cpio device-tree-compiler dosfstools e2fsprogs fdisk gpg gpg-agent ipxe-qemu \
  kmod mmdebstrap mtools openssh-client qemu-system-arm qemu-user-static qemu-utils squashfs-tools uidmap zstd
IMAGE_ENVIRONMENT = env XDG_CONFIG_HOME=$(CURDIR)/tests/image/profiles

LONG := build power_cuts raspios late usb wifi
LONG_TESTS := bad_bank.py::test_while_it_plays_lights_say_both virt.py::test_what_the_maker_did_not_sign_is_refused_before_it_runs

.PHONY: test-image test-boot test-raspios

test-image: NOT_RUN :=
test-image: $(IMAGE)/usb.img
test-boot: NOT_RUN := $(LONG:%=--ignore=tests/image/test_%.py) $(LONG_TESTS:%=--deselect=tests/image/test_%)
test-image test-boot: $(IMAGE)/pedal.img $(VENV)/.tested-with
	@echo "== booting them"
	@$(IMAGE_ENVIRONMENT) NAMPEDAL_IMAGE=$(CURDIR)/$(IMAGE)/pedal.img NAMPEDAL_USB_IMAGE=$(CURDIR)/$(IMAGE)/usb.img \
	  $(BIN)/pytest tests/image $(NOT_RUN)

test-raspios: $(IMAGE)/pedal.img $(VENV)/.tested-with
	@echo "== building an image of every board"
	@$(IMAGE_ENVIRONMENT) NAMPEDAL_IMAGE=$(CURDIR)/$(IMAGE)/pedal.img NAMPEDAL_ALL_BOARDS=1 $(BIN)/pytest tests/image/test_raspios.py

$(IMAGE)/.system:
	@mkdir -p $(IMAGE)
	@$(call install_packages,$(IMAGE_PACKAGES))
	@touch $@

# Signs the images, and the wheels that they are updated with.
$(IMAGE)/signing-key: | $(IMAGE)/.system
	@ssh-keygen -q -t ed25519 -N '' -C test@nampedal -f $@

$(IMAGE)/pedal.img: PEDAL = virtual --for-emulator --radio on
$(IMAGE)/usb.img: PEDAL = virtual-usb
$(IMAGE)/pedal.img $(IMAGE)/usb.img: $(IMAGE)/signing-key $(CROSS)/.wheel $(wildcard tests/image/profiles/*/*/*.toml) $(VENV)/.built | $(IMAGE)/.system
	@echo "== building the image of the emulated pedal $(firstword $(PEDAL))"
	@$(IMAGE_ENVIRONMENT) $(BIN)/nampedal image build --pedal $(PEDAL) --base debian --cache $(IMAGE)/cache \
	  --sign $(IMAGE)/signing-key --force -o $@
