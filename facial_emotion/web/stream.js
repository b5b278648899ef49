// Faces from frame to frame: numbers, smoothing and held labels, as in facial_emotion/video.

import { overlap } from "./faces.js";

const REACH = 10; // pixels of the small frame that a face may move between two frames
const PATCH = 12; // points along a side of the patch that is looked for

// The tracks of one video. settings: smoothing, hold, timeout and at_once in seconds; min_overlap, same_scene and
// same_face: limits, as of facial_emotion/video/tracking.py.
export class Stream {
  constructor(settings) {
    this.settings = settings;
    this.tracks = [];
    this.last = 0; // number of a face
  }

  // Go on with detected faces, which have crops; returns the tracks that are seen.
  associate(faces, scene, now) {
    this.tracks = this.tracks.filter((track) => now - track.seen <= this.settings.timeout);
    const pairs = [];
    this.tracks.forEach((track) => {
      faces.forEach((face) => {
        const shared = overlap(scaled(track.box, 2), scaled(face.box, 2));
        if (shared >= this.settings.min_overlap) pairs.push({ track, face, shared });
      });
    });
    const [takenTracks, takenFaces] = [new Set(), new Set()];
    for (const { track, face } of pairs.sort((one, other) => other.shared - one.shared)) {
      if (takenTracks.has(track) || takenFaces.has(face)) continue;
      takenTracks.add(track);
      const { at_once: atOnce, same_scene: sameScene } = this.settings;
      const cut = now - track.seen <= atOnce || similarity(track.scene, scene) < sameScene;
      // What was followed may have drifted; what was detected may be older.
      if (cut && ![track.crop, track.detected].some((crop) => this.looksSame(crop, face.crop))) {
        this.tracks = this.tracks.filter((other) => other !== track);
        continue;
      }
      takenFaces.add(face);
      Object.assign(track, face, { detected: face.crop, scene, seen: now });
    }
    for (const face of faces) {
      if (takenFaces.has(face)) continue;
      this.tracks.push({ ...face, detected: face.crop, number: ++this.last, scene, seen: now, logs: null });
    }
    return this.visible(now);
  }

  looksSame(crop, other) {
    return similarity(crop, other) >= this.settings.same_face;
  }

  // Move the tracks of the frame before to this one, or none where one is not found; whether they were moved.
  // before, small: {grey, width, height, scale}.
  follow(before, small, then, now) {
    const shifts = this.visible(then).map((track) => [track, shiftOf(before, small, track.box)]);
    if (shifts.some(([, shift]) => !shift)) return false;
    for (const [track, shift] of shifts) {
      const move = ([x, y]) => [x + shift[0], y + shift[1]];
      track.box = [...move(track.box), ...move(track.box.slice(2))];
      track.points = track.points.map(move);
      track.seen = now;
    }
    return true;
  }

  visible(now) {
    return this.tracks.filter(({ seen }) => seen === now);
  }

  // A track's face with smoothed probabilities. probabilities: of this frame, Float32Array(7).
  smooth(track, probabilities, now) {
    const { smoothing, hold } = this.settings;
    const kept = track.logs && smoothing > 0 ? Math.exp(-Math.max(0, now - track.smoothedAt) / smoothing) : 0;
    const logs = Array.from(probabilities, (value) => Math.log(Math.max(value, 1e-6)));
    track.logs = track.logs ? logs.map((log, index) => kept * track.logs[index] + (1 - kept) * log) : logs;
    track.smoothedAt = now;
    const shares = softmax(track.logs);
    const first = shares.indexOf(Math.max(...shares));
    if (track.emotion === undefined || track.emotion === first || now - track.ledAt >= hold) {
      track.emotion = first;
      track.ledAt = now;
    }
    return { number: track.number, box: track.box, score: track.score, probabilities: shares, emotion: track.emotion };
  }
}

export function softmax(logs) {
  const largest = Math.max(...logs);
  const powers = logs.map((log) => Math.exp(log - largest));
  const total = powers.reduce((sum, power) => sum + power);
  return powers.map((power) => power / total);
}

function scaled([left, top, right, bottom], factor) {
  const [x, y] = [((right - left) * (factor - 1)) / 2, ((bottom - top) * (factor - 1)) / 2];
  return [left - x, top - y, right + x, bottom + y];
}

// The correlation of two grey pictures of the same size.
function similarity(one, other) {
  if (one.length !== other.length) return -1;
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [a, b] = [mean(one), mean(other)];
  let [product, norm, otherNorm] = [0, 0, 0];
  for (let index = 0; index < one.length; index++) {
    const [x, y] = [one[index] - a, other[index] - b];
    product += x * y;
    norm += x * x;
    otherNorm += y * y;
  }
  return norm && otherNorm ? product / Math.sqrt(norm * otherNorm) : Number(norm === otherNorm);
}

// How far a face moved between two small frames, in pixels of the picture: the shift of its patch with the least
// squared difference, first on every second place; null where nothing fits.
function shiftOf(before, after, box) {
  const [left, top, right, bottom] = box.map((edge) => edge * before.scale);
  const points = [];
  for (let row = 0; row < PATCH; row++) {
    for (let column = 0; column < PATCH; column++) {
      const x = Math.round(left + ((right - left) * (column + 0.5)) / PATCH);
      const y = Math.round(top + ((bottom - top) * (row + 0.5)) / PATCH);
      if (x >= 0 && y >= 0 && x < before.width && y < before.height) points.push([x, y]);
    }
  }
  if (points.length < (PATCH * PATCH) / 2) return null;
  const patch = points.map(([x, y]) => before.grey[y * before.width + x]);
  const cost = (dx, dy) => {
    let [sum, count] = [0, 0];
    points.forEach(([x, y], index) => {
      const [u, v] = [x + dx, y + dy];
      if (u < 0 || v < 0 || u >= after.width || v >= after.height) return;
      sum += (after.grey[v * after.width + u] - patch[index]) ** 2;
      count++;
    });
    return count < points.length / 2 ? Infinity : sum / count;
  };
  let best = [0, 0, cost(0, 0)];
  const look = (dx, dy) => {
    const own = cost(dx, dy);
    if (own < best[2]) best = [dx, dy, own];
  };
  for (let dy = -REACH; dy <= REACH; dy += 2) for (let dx = -REACH; dx <= REACH; dx += 2) look(dx, dy);
  const [x, y] = best;
  for (let dy = y - 1; dy <= y + 1; dy++) for (let dx = x - 1; dx <= x + 1; dx++) look(dx, dy);
  const mean = patch.reduce((sum, value) => sum + value, 0) / patch.length;
  const spread = patch.reduce((sum, value) => sum + (value - mean) ** 2, 0) / patch.length;
  return best[2] < 0.5 * spread ? [best[0] / before.scale, best[1] / before.scale] : null;
}
