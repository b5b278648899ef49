// CenterFace in a frame of video: the steps of features/centerface.py.

import { resized } from "./pixels.js";

// Find the faces of a picture: {box: [left, top, right, bottom], score, points: [[x, y], ...]}, from left to right.
// picture: as of pixels.js; network: an ONNX session; own: settings.json's detector; minFace: in pixels.
export async function findFaces(ort, network, picture, own, minFace) {
  const { width, height } = picture;
  const scale = Math.min(own.seen / minFace, own.max_enlargement);
  const size = [inputSide(width * scale, own), inputSide(height * scale, own)];
  const searchIn = (...part) => search(ort, network, picture, own, ...part);
  const found = await searchIn([0, 0, width, height], size, Math.min(own.threshold, own.candidate));
  for (const face of found) {
    const low = face.box[3] - face.box[1] < own.least * minFace;
    if (face.score < own.sure && low) face.score = 0;
  }
  for (const face of found) {
    if (face.score > 0 && face.score < own.sure) await lookAgain(searchIn, picture, own, face);
  }
  const faces = suppress(found, own.threshold, own.overlap);
  for (const face of faces) {
    face.box = face.box.map(roundHalfToEven);
    face.points = face.points.map(([x, y]) => [x - 0.5, y - 0.5]); // to the centre of the first pixel
  }
  return faces.sort((one, other) => one.box[0] - other.box[0] || one.box[1] - other.box[1]);
}

// A side of the network's input: long ones are rounded, short ones padded.
function inputSide(length, { multiple }) {
  return Math.max(1, length < 6 * multiple ? Math.round(length) : multiple * Math.round(length / multiple));
}

function roundHalfToEven(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}

// Detections in a part [left, top, width, height] of a picture, scaled to a size [width, height].
async function search(ort, network, picture, { stride, multiple, overlap: most }, part, size, threshold) {
  const padded = size.map((side) => side + ((multiple - (side % multiple)) % multiple));
  const rgba = resized(picture, part, size, padded);
  const inputs = {
    rgba: new ort.Tensor("uint8", rgba, [padded[1], padded[0], 4]),
    threshold: new ort.Tensor("float32", [threshold], []),
  };
  const outputs = await network.run(inputs);
  const [cells, scores, values] = ["cells", "scores", "values"].map((name) => outputs[name].data);
  const ratio = [part[2] / size[0], part[3] / size[1]];
  const found = [];
  for (let index = 0; index < scores.length; index++) {
    const of = (column) => values[14 * index + column];
    const high = stride * Math.exp(of(0));
    const wide = stride * Math.exp(of(1));
    const y = stride * (Number(cells[3 * index + 1]) + of(2) + 0.5);
    const x = stride * (Number(cells[3 * index + 2]) + of(3) + 0.5);
    const [left, top] = [x - wide / 2, y - high / 2];
    const toPicture = (px, py) => [px * ratio[0] + part[0], py * ratio[1] + part[1]];
    const points = [0, 1, 2, 3, 4].map((point) =>
      toPicture(left + of(5 + 2 * point) * wide, top + of(4 + 2 * point) * high));
    const box = [...toPicture(left, top), ...toPicture(left + wide, top + high)];
    found.push({ box, score: scores[index], points });
  }
  for (const tensor of [...Object.values(inputs), ...Object.values(outputs)]) tensor.dispose();
  return suppress(found, threshold, most);
}

// Replace a candidate by what is found at the second look; its score is the mean of both.
async function lookAgain(searchIn, picture, own, face) {
  const [left, top, right, bottom] = face.box;
  const side = Math.max(right - left, bottom - top);
  const low = [left, top].map((edge) => Math.floor(Math.max(0, edge - own.look_margin * side)));
  const high = [Math.min(picture.width, Math.ceil(right + own.look_margin * side)),
    Math.min(picture.height, Math.ceil(bottom + own.look_margin * side))];
  const part = [...low, high[0] - low[0], high[1] - low[1]];
  if (part[2] <= 0 || part[3] <= 0) {
    face.score = 0;
    return;
  }
  const size = [part[2], part[3]].map((length) => Math.max(1, Math.round((length * own.look_face) / side)));
  const centre = (box) => [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  const [x, y] = centre(face.box);
  const again = await searchIn(part, size, own.candidate);
  const same = again.filter((other) => {
    const [otherX, otherY] = centre(other.box);
    return Math.max(Math.abs(otherX - x), Math.abs(otherY - y)) < side / 2;
  });
  if (!same.length) {
    face.score /= 2;
    return;
  }
  const best = same.reduce((one, other) => (other.score > one.score ? other : one));
  Object.assign(face, { box: best.box, points: best.points, score: (face.score + best.score) / 2 });
}

// The faces that no better box of the same face overlaps (non-maximum suppression).
function suppress(faces, threshold, most) {
  const kept = [];
  for (const face of faces.filter(({ score }) => score > threshold).sort((one, other) => other.score - one.score)) {
    if (kept.every((other) => overlap(face.box, other.box) <= most)) kept.push(face);
  }
  return kept;
}

// Intersection over union of two boxes.
export function overlap(one, other) {
  const side = (low, high) =>
    Math.max(0, Math.min(one[high], other[high]) - Math.max(one[low], other[low]));
  const area = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  const common = side(0, 2) * side(1, 3);
  return common / Math.max(1e-9, area(one) + area(other) - common);
}
