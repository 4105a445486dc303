"use strict";
// All clips start together and only one is heard, so that a switch keeps the position to the sample.
(() => {
  const players = [...document.querySelectorAll("audio[data-title]")];
  const box = document.querySelector(".switch");
  if (!window.AudioContext || players.length < 2) return;
  const play = box.querySelector(".play");
  const where = box.querySelector(".where");
  const choices = box.querySelector(".choices");
  const FADE_S = 0.008;
  let context, buffers, sources, gains, began, chosen = 0, position = 0, running = false, loading = false;

  const bytes = (uri) => Uint8Array.from(atob(uri.slice(uri.indexOf(",") + 1)), (c) => c.charCodeAt(0)).buffer;
  const length = () => buffers[0].duration;
  const now = () => (running ? (context.currentTime - began) % length() : position);

  const buttons = players.map((player, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = player.dataset.title;
    button.addEventListener("click", () => choose(i));
    choices.append(button);
    return button;
  });

  function choose(i) {
    chosen = i;
    buttons.forEach((button, j) => button.setAttribute("aria-pressed", String(i === j)));
    if (running) gains.forEach((gain, j) => gain.gain.setTargetAtTime(i === j ? 1 : 0, context.currentTime, FADE_S));
  }

  async function start() {
    if (loading) return;
    loading = true;
    players.forEach((player) => player.pause());
    context ??= new AudioContext();
    await context.resume();
    buffers ??= await Promise.all(players.map((player) => context.decodeAudioData(bytes(player.src))));
    where.max = length();
    gains = buffers.map((_, i) => new GainNode(context, { gain: i === chosen ? 1 : 0 }));
    began = context.currentTime - position;
    sources = buffers.map((buffer, i) => {
      const source = new AudioBufferSourceNode(context, { buffer, loop: true });
      source.connect(gains[i]).connect(context.destination);
      source.start(context.currentTime, position);
      return source;
    });
    running = true;
    loading = false;
    show();
    requestAnimationFrame(follow);
  }

  function stop() {
    if (!running) return;
    position = now();
    sources.forEach((source) => source.stop());
    running = false;
    show();
  }

  function show() {
    play.textContent = running ? "Pause" : "Play";
    play.setAttribute("aria-pressed", String(running));
  }

  function follow() {
    if (!running) return;
    where.value = now();
    requestAnimationFrame(follow);
  }

  play.addEventListener("click", () => (running ? stop() : start()));
  where.addEventListener("input", () => {
    const again = running;
    stop();
    position = Number(where.value);
    if (again) start();
  });
  players.forEach((player) => player.addEventListener("play", stop));
  document.addEventListener("keydown", (event) => {
    const i = Number(event.key) - 1;
    if (buttons[i] && !event.ctrlKey && !event.metaKey && !event.altKey) choose(i);
  });
  choose(0);
  box.hidden = false;
  document.querySelector(".each").open = false;
})();
