// Pictures as arrays: {rgba: Uint8Array, width, height}. Canvases are no good for video: Chromium keeps the memory of
// some hundred frames that were drawn, 500 MB at 640x480.

const LINEAR = 0.43; // from this scale on linear interpolation sees nine of ten pixels of a line, as in centerface.py

let kept = new Uint8Array(0); // the pixels of the last frame, whose place the next one takes

// The pixels of an ImageBitmap or VideoFrame, which is closed. They are valid until the next picture is taken.
export async function take(image) {
  const [width, height] = [image.displayWidth ?? image.width, image.displayHeight ?? image.height];
  const size = width * height * 4;
  if (kept.length !== size) kept = new Uint8Array(size);
  try {
    if (!(await copied(image, size))) kept.set(drawn(image, width, height));
  } finally {
    image.close();
  }
  return { rgba: kept, width, height };
}

// Whether a frame's pixels could be copied; some browsers can't convert its colours.
async function copied(image, size) {
  try {
    const { width, height } = image.visibleRect;
    if (width !== image.displayWidth || height !== image.displayHeight) return false;
    if (image.allocationSize({ format: "RGBA" }) !== size) return false;
    await image.copyTo(kept, { format: "RGBA" });
    return true;
  } catch {
    return false;
  }
}

function drawn(image, width, height) {
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

// RGBA of a part [left, top, width, height] of a picture, scaled to a size and padded with black to another.
export function resized(picture, part, size, padded = size) {
  const result = new Uint8Array(padded[0] * padded[1] * 4);
  const scale = Math.min(size[0] / part[2], size[1] / part[3]);
  const weigh = scale < LINEAR ? areas : neighbours;
  const [columns, rows] = [weigh(part[2], size[0]), weigh(part[3], size[1])];
  const line = new Float32Array(part[2] * 3);
  rows.forEach(({ first, weights }, row) => {
    line.fill(0);
    weights.forEach((weight, index) => {
      let from = ((part[1] + first + index) * picture.width + part[0]) * 4;
      for (let at = 0; at < line.length; at += 3, from += 4) {
        line[at] += weight * picture.rgba[from];
        line[at + 1] += weight * picture.rgba[from + 1];
        line[at + 2] += weight * picture.rgba[from + 2];
      }
    });
    let to = row * padded[0] * 4;
    for (const { first: start, weights: across } of columns) {
      let [red, green, blue] = [0.5, 0.5, 0.5]; // to be rounded
      for (let index = 0, at = start * 3; index < across.length; index++, at += 3) {
        red += across[index] * line[at];
        green += across[index] * line[at + 1];
        blue += across[index] * line[at + 2];
      }
      result[to] = red;
      result[to + 1] = green;
      result[to + 2] = blue;
      to += 4;
    }
  });
  return result;
}

// For each of the new pixels of a line: the first of the two old ones that it lies between, and their weights.
function neighbours(length, newLength) {
  const ratio = length / newLength;
  return Array.from({ length: newLength }, (_, index) => {
    const place = Math.min(length - 1, Math.max(0, (index + 0.5) * ratio - 0.5));
    const first = Math.min(Math.max(0, length - 2), Math.floor(place));
    return { first, weights: length > 1 ? [1 - (place - first), place - first] : [1] };
  });
}

// For each of the new pixels of a line: the first old one that it covers, and the shares of all that it covers.
export function areas(length, newLength) {
  const ratio = length / newLength;
  return Array.from({ length: newLength }, (_, index) => {
    const [start, end] = [index * ratio, Math.min(length, (index + 1) * ratio)];
    const first = Math.floor(start + 1e-9);
    const last = Math.max(first + 1, Math.ceil(end - 1e-9));
    const weights = [];
    for (let pixel = first; pixel < last; pixel++) {
      weights.push((Math.min(end, pixel + 1) - Math.max(start, pixel)) / (end - start));
    }
    return { first, weights };
  });
}

// Grey values of a part of a picture as OpenCV's: 0.299 red, 0.587 green, 0.114 blue, in fixed point.
export function grey(picture, left, top, width, height) {
  const result = new Uint8Array(width * height);
  for (let row = 0, to = 0; row < height; row++) {
    let at = ((top + row) * picture.width + left) * 4;
    for (let column = 0; column < width; column++, to++, at += 4) {
      result[to] = (picture.rgba[at] * 4899 + picture.rgba[at + 1] * 9617 + picture.rgba[at + 2] * 1868 + 8192) >> 14;
    }
  }
  return result;
}
