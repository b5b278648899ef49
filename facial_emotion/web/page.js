// The page: a camera, picture or video file in, boxes, labels and bars out. The engine is in a worker.

import { drawBars, drawFaces, fit } from "./drawing.js";
import { attach, embedded, handOver } from "./embedded.js";
import { Recognizer } from "./recognizer.js";
import { Rows } from "./rows.js";
import { TEXTS } from "./texts.js";

const $ = (id) => document.getElementById(id);
const ROWS = 200_000; // that are kept at most
const TOLD = 500; // milliseconds between two changes of the rate: what changes faster can't be read

const state = {
  run: 0, // of what is looked at: what belongs to an older one ends
  language: "en",
  settings: null,
  recognizer: null,
  loaded: null, // the promise of the model that is being loaded or is loaded
  source: null, // {element, width, height, mirrored, live, camera}
  faces: [],
  rows: new Rows(ROWS),
  times: [], // of the last recognitions, in milliseconds
  painted: 0, // frames
  status: [],
};

const text = (key, values = {}) => TEXTS[state.language][key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
const name = (index) => TEXTS[state.language].emotions[index];
const look = () => ({ name, colours: state.settings?.colours ?? Array(7).fill(""), mirrored: state.source?.mirrored });

// What a visitor should notice stands in the status, which screen readers say; what changes all the time beside it.
function say(key, values = {}, wrong = false) {
  state.status = [key, values, wrong];
  $("status").textContent = key ? text(key, values) : "";
  $("status").classList.toggle("wrong", wrong);
  $("rate").textContent = "";
}

function speak(language) {
  state.language = language;
  document.documentElement.lang = language;
  $("language").value = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  document.title = text("title");
  say(...state.status);
  describeModel();
  showBars();
  if (!state.source) showSummary();
}

function describeModel() {
  const own = state.settings?.models[$("model").value];
  $("about-model").textContent = own ? `${$("model").value}: ${text(own.labels)}.` : "";
}

async function start() {
  for (const [code, own] of Object.entries(TEXTS)) $("language").add(new Option(own.name, code));
  $("language").onchange = () => speak($("language").value);
  const wanted = navigator.language.slice(0, 2);
  speak(TEXTS[wanted] ? wanted : "en");
  state.settings = await (await fetch("settings.json")).json();
  for (const model of Object.keys(state.settings.models)) $("model").add(new Option(model));
  $("model").onchange = () => load().catch(fail);
  state.recognizer = new Recognizer(state.settings, (share) => {
    $("rate").textContent = text("loading", { percent: Math.round(100 * share) });
  });
  if (embedded) attach(obey);
  else navigator.serviceWorker?.register("service-worker.js").catch(() => {}); // the page works without it
  requestAnimationFrame(paint);
  await load();
}

// What the app wants: its language and theme, and the model of its sidebar where the page has it.
function obey({ language, model, theme }) {
  document.documentElement.dataset.theme = theme;
  if (TEXTS[language] && language !== state.language) speak(language);
  if (model in state.settings.models && model !== $("model").value) {
    $("model").value = model;
    load().catch(fail);
  }
}

// Load the chosen model; where that fails, the one that was loaded before stays.
function load() {
  const [before, wanted] = [document.body.dataset.ready, $("model").value];
  describeModel();
  state.loaded = state.recognizer.load(wanted).then(
    () => {
      document.body.dataset.ready = wanted;
      for (const id of ["camera", "file"]) $(id).disabled = false;
      if (!state.source) say("ready");
      else if (!state.source.live) return inspect(state.source, state.run);
      return undefined;
    },
    (error) => {
      if (before) $("model").value = before;
      describeModel();
      throw error;
    },
  );
  return state.loaded;
}

function fail(error) {
  close();
  say("failed", { reason: error.message }, true);
}

// Sources

async function openCamera() {
  const run = close();
  if (!globalThis.isSecureContext) return say("insecure", {}, true);
  let camera;
  try {
    const wanted = { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user" };
    camera = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
  } catch (error) {
    const reasons = { NotAllowedError: "denied", NotReadableError: "busy" };
    return run === state.run ? say(reasons[error.name] ?? "missing", {}, true) : undefined;
  }
  if (run !== state.run) return stop(camera);
  $("video").srcObject = camera;
  return play(run, { camera, mirrored: true });
}

async function openFile(file) {
  const run = close();
  try {
    if (file.type.startsWith("video/")) {
      $("video").src = URL.createObjectURL(file);
      return await play(run, {});
    }
    const bitmap = await createImageBitmap(file);
    if (run !== state.run) return bitmap.close();
    const { width, height } = bitmap;
    [$("still").width, $("still").height] = [width, height];
    $("still").getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    open(run, { element: $("still"), width, height, live: false });
  } catch {
    if (run === state.run) {
      close();
      say("unreadable", { name: file.name }, true);
    }
    return undefined;
  }
  return inspect(state.source, run).catch(fail);
}

// Play what the video element has, and recognise it.
async function play(run, more) {
  const video = $("video");
  try {
    await video.play();
  } catch (error) {
    stop(more.camera);
    throw error;
  }
  if (run !== state.run) return stop(more.camera);
  open(run, { element: video, width: video.videoWidth, height: video.videoHeight, live: true, ...more });
  return watch(state.source, run).catch(fail);
}

function open(run, source) {
  state.source = source;
  state.rows.clear();
  state.times = [];
  document.body.classList.add("running");
  $("still").hidden = source.live;
  $("video").hidden = !source.live;
  for (const id of ["video", "overlay"]) $(id).classList.toggle("mirrored", Boolean(source.mirrored));
  $("summary").hidden = true;
  measure(source);
}

// Fit the page to the size that a source has now: phones turn, and videos change.
function measure(source) {
  $("view").style.aspectRatio = `${source.width} / ${source.height}`;
  fit($("overlay"), source.width, source.height);
}

const stop = (camera) => camera?.getTracks().forEach((track) => track.stop());

// End what is looked at; returns the number of the next run.
function close() {
  stop($("video").srcObject);
  stop(state.source?.camera);
  $("video").pause();
  $("video").srcObject = null;
  if ($("video").src) URL.revokeObjectURL($("video").src);
  $("video").removeAttribute("src");
  [state.source, state.faces] = [null, []];
  document.body.classList.remove("running");
  $("still").hidden = true;
  say("ready");
  showBars();
  showSummary();
  return ++state.run;
}

async function inspect(source, run) {
  await state.loaded;
  const { faces } = await state.recognizer.picture(await createImageBitmap(source.element));
  if (run !== state.run) return;
  state.faces = faces;
  say(faces.length ? "faces" : "noFace", { count: faces.length });
  showBars();
}

// One frame after the other, always the newest: while one is looked at, others pass.
async function watch(source, run) {
  const [video, begin] = [source.element, performance.now()];
  await state.loaded;
  await state.recognizer.restart();
  let shown = -1;
  while (run === state.run) {
    if (video.ended || source.camera?.getTracks().every((track) => track.readyState === "ended")) {
      close();
      return;
    }
    const frame = video.getVideoPlaybackQuality().totalVideoFrames || video.currentTime;
    if (frame === shown || video.readyState < 2) {
      await new Promise((resolve) => setTimeout(resolve, 4));
      continue;
    }
    shown = frame;
    if (video.videoWidth !== source.width || video.videoHeight !== source.height) {
      [source.width, source.height] = [video.videoWidth, video.videoHeight];
      measure(source);
      await state.recognizer.restart();
    }
    const now = source.camera ? (performance.now() - begin) / 1000 : video.currentTime;
    const { faces } = await state.recognizer.frame(await grab(video), now);
    if (run !== state.run) return;
    state.faces = faces;
    keep(faces, now);
    tell(faces);
  }
}

// The picture that a video shows. Chromium keeps the memory of some hundred bitmaps of videos, but not that of frames,
// which know nothing of how a phone was turned in older browsers.
async function grab(video) {
  if (!globalThis.VideoFrame) return createImageBitmap(video);
  const frame = new VideoFrame(video, { timestamp: 0 });
  const whole = frame.displayWidth === video.videoWidth && frame.displayHeight === video.videoHeight;
  if (whole && !frame.rotation && !frame.flip) return frame;
  frame.close();
  return createImageBitmap(video);
}

function keep(faces, now) {
  const model = document.body.dataset.ready;
  for (const { number, box, score, probabilities, emotion, certain } of faces) {
    state.rows.add([now, number, ...box.map(Math.round), score, ...probabilities, emotion, certain], model);
  }
}

function tell(faces) {
  const time = performance.now();
  state.times.push(time);
  while (time - state.times[0] > 2000) state.times.shift();
  const rate = (state.times.length - 1) / Math.max(0.001, (time - state.times[0]) / 1000);
  document.body.dataset.rate = rate.toFixed(1);
  if (time - (state.told ?? 0) < TOLD) return;
  state.told = time;
  const key = faces.length ? "" : "noFace";
  if (state.status[0] !== key) say(key);
  $("rate").textContent = text("rate", { rate: rate.toFixed(0) });
}

function paint() {
  requestAnimationFrame(paint);
  state.painted++;
  drawFaces($("overlay"), state.faces, state.source?.width ?? 1, look());
  if (state.painted % 6 === 0 && state.source?.live) showBars();
}

// The bars of the largest face.
function showBars() {
  const area = ({ box }) => (box[2] - box[0]) * (box[3] - box[1]);
  const largest = state.faces.reduce((one, other) => (!one || area(other) > area(one) ? other : one), null);
  drawBars($("bars"), largest?.probabilities ?? Array(7).fill(0), look(), largest?.emotion);
}

function showSummary() {
  $("summary").hidden = !state.rows.length;
  if (!state.rows.length) return;
  const counts = Array(7).fill(0);
  for (const row of state.rows) counts[row[14]]++;
  drawBars($("shares"), counts.map((count) => count / state.rows.length), look());
}

function download() {
  const { emotions } = state.settings;
  const lines = Array.from(state.rows, ([seconds, ...row]) => {
    const [where, shares] = [row.slice(0, 5), row.slice(5, 13).map((value) => value.toFixed(4))];
    return [seconds.toFixed(3), ...where, ...shares, emotions[row[13]], row[14], row[15]];
  });
  const header = ["seconds", "face", "left", "top", "right", "bottom", "detection", ...emotions];
  const table = [[...header, "label", "certain", "model"], ...lines].map((line) => line.join(",")).join("\n");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`${table}\n`], { type: "text/csv" }));
  link.download = "emotions.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

$("camera").onclick = () => openCamera().catch(fail);
$("stop").onclick = () => close();
$("download").onclick = download;
$("hand-over").onclick = () => handOver([...state.rows]);
$("file").onchange = ({ target }) => {
  if (target.files.length) openFile(target.files[0]);
  target.value = "";
};

globalThis.page = state; // what tests look at
start().catch(fail);
