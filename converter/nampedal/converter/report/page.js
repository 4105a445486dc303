"use strict";
// A table that goes on to the right says so until its end is seen.
document.querySelectorAll(".scroll").forEach((box) => {
  const more = box.previousElementSibling;
  const update = () => {
    const goesOn = box.scrollWidth > box.clientWidth + 1;
    more.hidden = !goesOn;
    more.classList.toggle("over", goesOn && box.scrollLeft + box.clientWidth >= box.scrollWidth - 1);
  };
  box.addEventListener("scroll", update, { passive: true });
  new ResizeObserver(update).observe(box);
  update();
});

// All sounds start together and only one is heard, so that a switch keeps the position to the sample.
(() => {
  const find = (selector) => document.querySelector(selector);
  const findAll = (selector) => [...document.querySelectorAll(selector)];
  const players = findAll(".listen audio");
  const [where, clock, blind, louder] = [".where", ".clock", ".blind", ".louder"].map(find);
  if (!window.AudioContext || players.length < 2) return;
  const FADE_S = 0.008;
  const factor = (db) => 10 ** (db / 20);
  const capital = (text) => text[0].toUpperCase() + text.slice(1);
  const bytes = (uri) => Uint8Array.from(atob(uri.slice(uri.indexOf(",") + 1)), (c) => c.charCodeAt(0)).buffer;
  let context, buffers, sources, gains, began, heard, position = 0, running = false, loading = false;

  const length = () => buffers[0].duration;
  const now = () => (running ? (context.currentTime - began) % length() : position);
  const minutes = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

  // One thing to hear: a sound, at a gain, chosen by a button.
  function hear(sound, gain, button) {
    heard = { sound, gain };
    findAll("button[aria-pressed]").forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
    if (running) gains.forEach((node, i) => node.gain.setTargetAtTime(i === sound ? gain : 0, context.currentTime, FADE_S));
  }

  async function start() {
    if (running || loading) return;
    loading = true;
    players.forEach((player) => player.pause());
    try {
      context ??= new AudioContext();
      await context.resume();
      buffers ??= await Promise.all(players.map((player) => context.decodeAudioData(bytes(player.src))));
    } catch {
      clock.textContent = "This browser can't play it.";
      loading = false;
      return;
    }
    where.max = length();
    gains = buffers.map((_, i) => new GainNode(context, { gain: i === heard.sound ? heard.gain : 0 }));
    began = context.currentTime - position;
    sources = buffers.map((buffer, i) => {
      const source = new AudioBufferSourceNode(context, { buffer, loop: true });
      source.connect(gains[i]).connect(context.destination);
      source.start(context.currentTime, position);
      return source;
    });
    running = true;
    loading = false;
    showPlay();
    requestAnimationFrame(follow);
  }

  function stop() {
    if (!running) return;
    position = now();
    sources.forEach((source) => source.stop());
    running = false;
    showPlay();
  }

  function showPlay() {
    findAll(".play").forEach((button) => (button.textContent = running ? "Pause" : "Play"));
  }

  function follow() {
    if (!running) return;
    where.value = now();
    showTime();
    requestAnimationFrame(follow);
  }

  function showTime() {
    const text = `${minutes(Number(where.value))} of ${minutes(length())}`;
    if (clock.textContent === text) return;
    clock.textContent = text;
    where.setAttribute("aria-valuetext", text);
  }

  // Add a button that plays a sound. note: in small letters below the text. gain(): asked at each press.
  function choice(text, note, into, sound, gain) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(text, " ");
    if (note) button.append(Object.assign(document.createElement("small"), { textContent: note }));
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      hear(sound, gain(), button);
      start();
    });
    into.append(button);
    return button;
  }

  const [all, lost] = findAll(".deck .choices");
  const choices = players.map((player, i) => {
    const { kind, of, enlargedDb } = player.dataset;
    // A label such as "tier 1 (slimmed)".
    const [, text, name] = capital(of).match(/^(.*?)(?: \((.*)\))?$/);
    if (kind !== "difference") return choice(text, name, all, i, () => 1);
    find(".lost").hidden = false;
    const amplified = () => (louder.checked ? 1 : factor(-Number(enlargedDb)));
    return choice(text, Number(enlargedDb) ? `+${enlargedDb} dB` : "", lost, i, amplified);
  });
  hear(0, 1, choices[0]);
  louder.addEventListener("change", () => {
    find(".lost").classList.toggle("plain", !louder.checked);
    const pressed = lost.querySelector("[aria-pressed=true]");
    if (pressed) pressed.click();
  });

  findAll(".play").forEach((button) => button.addEventListener("click", () => (running ? stop() : start())));
  where.addEventListener("input", () => {
    const again = running;
    stop();
    position = Number(where.value);
    if (buffers) showTime();
    if (again) start();
  });
  players.forEach((player) => player.addEventListener("play", stop));

  // ---- the blind test ----

  const pair = find("#pair");
  const again = find(".again");
  const buttons = Object.fromEntries([...blind.querySelectorAll("[data-hear]")].map((one) => [one.dataset.hear, one]));
  // Only what differs can be told apart.
  const differs = new Set(players.filter((one) => one.dataset.kind === "difference").map((one) => one.dataset.tier));
  const compared = players.filter((one) => one.dataset.kind === "tier" && differs.has(one.dataset.tier));
  let tier, x, listened, rounds;

  function draw() {
    x = "AB"[crypto.getRandomValues(new Uint8Array(1))[0] & 1];
    listened = false;
  }

  function listenTo(letter) {
    const matchDb = Number(tier.dataset.matchDb);
    const isA = (letter === "X" ? x : letter) === "A";
    listened ||= letter === "X";
    // The louder of the two is turned down, so that neither is clipped.
    hear(isA ? 0 : players.indexOf(tier), factor(Math.min(0, isA ? -matchDb : matchDb)), buttons[letter]);
    start();
  }

  function say(letter) {
    if (!listened) {
      show("Listen to X first.");
      return;
    }
    const right = letter === x;
    rounds.push(right);
    const mark = document.createElement("li");
    mark.className = right ? "right" : "wrong";
    mark.textContent = right ? "right" : "wrong";
    find(".rounds").append(mark);
    const was = `${right ? "Right" : "Wrong"}: X was ${x}. `;
    draw();
    if (running) listenTo("A");
    show(was);
  }

  // The probability to get at least so many of so many right by guessing: the upper tail of a binomial distribution.
  function byGuessing(right, tried) {
    let term = 0.5 ** tried;
    let sum = 0;
    for (let i = tried; i >= right; i--) {
      sum += term;
      term *= i / (tried - i + 1);
    }
    return Math.min(1, sum);
  }

  function show(before = "") {
    const tried = rounds.length;
    const right = rounds.filter(Boolean).length;
    again.hidden = tried === 0;
    find(".count").textContent = tried ? `${right} of ${tried} right` : "";
    const luck = byGuessing(right, tried);
    const often = luck >= 0.01 ? `${Math.round(100 * luck)} of 100 tries` : `1 of ${Math.round(1 / luck).toLocaleString("en")} tries`;
    let meaning = "Decide how many rounds you play before you begin. Ten is a good number.";
    if (tried) {
      meaning = `By guessing you would reach this in ${often}. `;
      if (luck <= 0.05) meaning += "You hear a difference.";
      else if (tried < 10) meaning += "That can be luck. Go on.";
      else meaning += "That can be luck. It does not show that you hear a difference.";
    }
    find(".meaning").textContent = before + meaning;
  }

  function begin() {
    tier = compared[pair.selectedIndex];
    rounds = [];
    find(".rounds").replaceChildren();
    buttons.B.querySelector("small").textContent = capital(tier.dataset.title);
    const db = Number(tier.dataset.matchDb);
    const by = `${Math.abs(db).toFixed(2)} dB`;
    find(".matched").textContent = by === "0.00 dB" ? "Both are equally loud." : `${db < 0 ? "B" : "A"} is turned down by ${by}, so that both are equally loud.`;
    draw();
    show();
  }

  if (compared.length) {
    compared.forEach((one) => pair.add(new Option(one.dataset.title)));
    pair.selectedIndex = Math.max(0, compared.findIndex((one) => one.dataset.tier === pair.dataset.first));
    find(".pair").hidden = compared.length < 2;
    Object.entries(buttons).forEach(([letter, button]) => button.addEventListener("click", () => listenTo(letter)));
    blind.querySelectorAll("[data-say]").forEach((one) => one.addEventListener("click", () => say(one.dataset.say)));
    pair.addEventListener("change", begin);
    again.addEventListener("click", () => {
      begin();
      buttons.A.focus();
    });
    begin();
    blind.hidden = false;
  }

  // Keys act where the focus is, so that they are in nobody's way.
  const onKey = (card, act) => card.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey && !event.target.matches("select")) act(event);
  });
  onKey(find(".listen"), ({ key }) => choices[Number(key) - 1]?.click());
  onKey(blind, ({ key, shiftKey }) => {
    const letter = key.toUpperCase();
    if (shiftKey && (letter === "A" || letter === "B")) say(letter);
    else if (buttons[letter]) listenTo(letter);
  });
  find(".deck").hidden = false;
  find(".each").open = false;
})();
