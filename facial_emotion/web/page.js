// The page: a camera, picture or video file in, boxes, labels and bars out. The engine is in a worker.

import { attach, embedded, handOver } from "./embedded.js";
import { Recognizer } from "./recognizer.js";
import { TEXTS } from "./texts.js";

const $ = (id) => document.getElementById(id);
const ROWS = 200_000; // that are kept at most, for the download; then the older half goes
const HEADER = ["seconds", "face", "left", "top", "right", "bottom", "detection"];

const state = {
  language: "en",
  settings: null,
  recognizer: null,
  loaded: null, // the promise of the model that is being loaded or is loaded
  source: null, // what is looked at: {element, width, height, mirrored, live, stream, url}
  faces: [],
  rows: [],
  times: [], // of the last recognitions, in milliseconds
  status: [],
};

const text = (key, values = {}) =>
  TEXTS[state.language][key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
const emotion = (index) => TEXTS[state.language].emotions[index];

function say(key, values = {}, wrong = false) {
  state.status = [key, values, wrong];
  $("status").textContent = key ? text(key, values) : "";
  $("status").classList.toggle("wrong", wrong);
}

function speak(language) {
  state.language = language;
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  document.title = text("title");
  say(...state.status);
  describeModel();
  drawBars();
  drawShares();
}

function describeModel() {
  const own = state.settings?.models[$("model").value];
  $("about-model").textContent = own ? `${$("model").value}: ${text(own.labels)}.` : "";
}

async function start() {
  for (const [code, { name }] of Object.entries(TEXTS)) $("language").add(new Option(name, code));
  $("language").value = TEXTS[navigator.language.slice(0, 2)] ? navigator.language.slice(0, 2) : "en";
  $("language").onchange = () => speak($("language").value);
  speak($("language").value);
  state.settings = await (await fetch("settings.json")).json();
  for (const name of Object.keys(state.settings.models)) $("model").add(new Option(name));
  $("model").onchange = () => load().catch(fail);
  state.recognizer = new Recognizer(state.settings, (share) => say("loading", { percent: Math.round(100 * share) }));
  if (embedded) {
    document.body.classList.add("embedded");
    attach(obey);
  }
  describeModel();
  await load();
  // The page works without it, and the app keeps its own.
  if (!embedded) navigator.serviceWorker?.register("service-worker.js").catch(() => {});
  requestAnimationFrame(paint);
}

// What the app wants: its language, and the model of its sidebar where the page has it.
function obey({ language, model }) {
  if (TEXTS[language] && language !== state.language) speak(language);
  if (model in state.settings.models && model !== $("model").value) {
    $("model").value = model;
    load().catch(fail);
  }
}

function load() {
  say("loading", { percent: 0 });
  describeModel();
  state.loaded = state.recognizer.load($("model").value).then(() => {
    say("ready");
    document.body.dataset.ready = $("model").value;
    if (state.source && !state.source.live) return look(state.source);
    return undefined;
  });
  return state.loaded;
}

function fail(error) {
  say("failed", { reason: error.message }, true);
}

// Sources

async function openCamera() {
  await close();
  let stream;
  try {
    const wanted = { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user" };
    stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
  } catch (error) {
    const reasons = { NotAllowedError: "denied", NotReadableError: "busy" };
    say(reasons[error.name] ?? "missing", {}, true);
    return;
  }
  const video = $("video");
  video.srcObject = stream;
  await video.play();
  await open({ element: video, width: video.videoWidth, height: video.videoHeight, mirrored: true, live: true, stream });
}

async function openFile(file) {
  await close();
  const url = URL.createObjectURL(file);
  try {
    if (file.type.startsWith("video/")) {
      const video = $("video");
      video.src = url;
      video.loop = false;
      await video.play();
      await open({ element: video, width: video.videoWidth, height: video.videoHeight, live: true, url });
    } else {
      const bitmap = await createImageBitmap(file);
      const canvas = $("still");
      [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
      canvas.getContext("2d").drawImage(bitmap, 0, 0);
      bitmap.close();
      await open({ element: canvas, width: canvas.width, height: canvas.height, live: false, url });
    }
  } catch {
    URL.revokeObjectURL(url);
    await close();
    say("unreadable", { name: file.name }, true);
  }
}

async function open(source) {
  state.source = source;
  state.rows = [];
  $("hint").hidden = true;
  $("camera").hidden = true;
  $("stop").hidden = false;
  $("still").hidden = source.live;
  $("video").hidden = !source.live;
  $("summary").hidden = true;
  $("view").style.aspectRatio = `${source.width} / ${source.height}`;
  [$("overlay").width, $("overlay").height] = [source.width, source.height];
  for (const id of ["video", "overlay"]) $(id).classList.toggle("mirrored", Boolean(source.mirrored));
  await state.loaded;
  await state.recognizer.restart();
  if (source.live) watch(source).catch(fail);
  else await look(source);
}

async function close() {
  const { source } = state;
  state.source = null;
  state.faces = [];
  state.times = [];
  if (!source) return;
  for (const track of source.stream?.getTracks() ?? []) track.stop();
  $("video").pause();
  $("video").srcObject = null;
  $("video").removeAttribute("src");
  if (source.url) URL.revokeObjectURL(source.url);
  $("camera").hidden = false;
  $("stop").hidden = true;
  $("hint").hidden = false;
  $("still").hidden = true;
  say("ready");
  drawBars();
  drawShares();
}

async function look(source) {
  const { faces } = await state.recognizer.picture(await createImageBitmap(source.element));
  if (state.source !== source) return;
  state.faces = faces;
  say(faces.length ? "faces" : "noFace", { count: faces.length });
  drawBars();
}

// One frame after the other, always the newest: while one is looked at, others pass.
async function watch(source) {
  const begin = performance.now();
  let shown = -1;
  while (state.source === source) {
    if (source.element.ended) break;
    if (source.element.currentTime === shown || source.element.readyState < 2) {
      await new Promise((resolve) => setTimeout(resolve, 4));
      continue;
    }
    shown = source.element.currentTime;
    const now = source.stream ? (performance.now() - begin) / 1000 : shown;
    const { faces } = await state.recognizer.frame(await grab(source.element), now);
    if (state.source !== source) return;
    state.faces = faces;
    keep(faces, now);
    tell(faces);
  }
  if (state.source === source) drawShares();
}

// The picture that a video shows. Chromium keeps the memory of some hundred bitmaps of videos, but not that of frames.
async function grab(video) {
  return globalThis.VideoFrame ? new VideoFrame(video, { timestamp: 0 }) : createImageBitmap(video);
}

function keep(faces, now) {
  for (const { number, box, score, probabilities, emotion: index, certain } of faces) {
    state.rows.push([now, number, ...box.map(Math.round), score, ...probabilities, index, certain]);
  }
  if (state.rows.length > ROWS) state.rows.splice(0, ROWS / 2);
}

function tell(faces) {
  const time = performance.now();
  state.times.push(time);
  while (time - state.times[0] > 2000) state.times.shift();
  const rate = (state.times.length - 1) / Math.max(0.001, (time - state.times[0]) / 1000);
  document.body.dataset.rate = rate.toFixed(1);
  if (time - (state.told ?? 0) < 500) return; // what changes faster can't be read
  state.told = time;
  if (faces.length) say("rate", { rate: rate.toFixed(0) });
  else say("noFace");
}

// Drawing

function paint() {
  requestAnimationFrame(paint);
  state.painted = (state.painted ?? 0) + 1;
  const canvas = $("overlay");
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!state.source) return;
  const line = Math.max(2, canvas.width / 200);
  for (const face of state.faces) drawFace(context, face, line, state.source.mirrored);
  if (state.painted % 6 === 0 && state.source.live) drawBars();
}

function drawFace(context, { number, box, probabilities, emotion: index, certain }, line, mirrored) {
  const [left, top, right, bottom] = box;
  const colour = certain ? state.settings.colours[index] : "#ffffff";
  context.lineWidth = line;
  context.strokeStyle = "#000000";
  context.setLineDash([]);
  context.strokeRect(left, top, right - left, bottom - top);
  context.strokeStyle = colour;
  context.setLineDash(certain ? [] : [3 * line, 3 * line]);
  context.strokeRect(left + line, top + line, right - left - 2 * line, bottom - top - 2 * line);
  const size = Math.min(48, Math.max(14, 0.14 * (right - left)));
  context.font = `600 ${size}px system-ui, sans-serif`;
  const label = `${number} ${emotion(index)}${certain ? "" : "?"} ${Math.round(100 * probabilities[index])}%`;
  const width = context.measureText(label).width + size * 0.6;
  const y = top > 1.4 * size ? top - 1.4 * size : bottom;
  context.save();
  context.translate(mirrored ? right : left, y); // text is to be read, though the picture is mirrored
  if (mirrored) context.scale(-1, 1);
  context.fillStyle = "#000000";
  context.fillRect(0, 0, width, 1.4 * size);
  context.fillStyle = colour;
  context.fillText(label, size * 0.3, size * 1.05);
  context.restore();
}

// The bars of the largest face.
function drawBars() {
  const largest = state.faces.reduce((one, other) => (!one || area(other) > area(one) ? other : one), null);
  rows($("bars"), largest?.probabilities ?? Array(7).fill(0), largest?.emotion);
}

const area = ({ box }) => (box[2] - box[0]) * (box[3] - box[1]);

function drawShares() {
  $("summary").hidden = state.rows.length === 0;
  if (!state.rows.length) return;
  const counts = Array(7).fill(0);
  for (const row of state.rows) counts[row[14]]++;
  rows($("shares"), counts.map((count) => count / state.rows.length));
}

// Seven bars, made once and changed from then on.
function rows(place, shares, first) {
  if (!place.children.length) {
    for (let index = 0; index < 7; index++) {
      const bar = document.createElement("div");
      bar.className = "bar";
      bar.innerHTML = '<span></span><div class="track"><span></span></div><b></b>';
      place.append(bar);
    }
  }
  shares.forEach((share, index) => {
    const bar = place.children[index];
    bar.classList.toggle("first", index === first);
    bar.firstChild.textContent = emotion(index);
    const fill = bar.querySelector(".track span");
    fill.style.width = `${100 * share}%`;
    fill.style.background = state.settings?.colours[index] ?? "";
    bar.lastChild.textContent = `${Math.round(100 * share)}%`;
  });
}

function download() {
  const { emotions } = state.settings;
  const lines = state.rows.map(([seconds, ...row]) =>
    [seconds.toFixed(3), ...row.slice(0, 5), ...row.slice(5, 13).map((value) => value.toFixed(4)), emotions[row[13]], row[14]]);
  const table = [[...HEADER, ...emotions, "label", "certain"], ...lines].map((line) => line.join(",")).join("\n");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`${table}\n`], { type: "text/csv" }));
  link.download = "emotions.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

$("camera").onclick = () => openCamera().catch(fail);
$("stop").onclick = () => close();
$("download").onclick = download;
$("hand-over").onclick = () => handOver({ model: $("model").value, rows: state.rows });
$("file").onchange = ({ target }) => {
  if (target.files.length) openFile(target.files[0]).catch(fail);
  target.value = "";
};

// What tests look at.
globalThis.page = state;
start().catch(fail);
