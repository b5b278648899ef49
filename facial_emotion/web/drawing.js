// Boxes and labels over a picture, and bars beside it.

const LARGEST = 1600; // pixels of the longer side of what is drawn over a picture

// Give a canvas the size of a picture, or less of a very large one.
export function fit(canvas, width, height) {
  const scale = Math.min(1, LARGEST / Math.max(width, height));
  [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
}

// Draw faces over a picture of some width. look: {mirrored, name, colours}, name: index of an emotion -> text.
export function drawFaces(canvas, faces, width, look) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  const scale = canvas.width / width;
  for (const face of faces) drawFace(context, face, scale, Math.max(2, canvas.width / 200), look);
}

function drawFace(context, { number, box, probabilities, emotion, certain }, scale, line, { mirrored, name, colours }) {
  const [left, top, right, bottom] = box.map((edge) => edge * scale);
  const colour = certain ? colours[emotion] : "#ffffff";
  context.lineWidth = line;
  context.strokeStyle = "#000000";
  context.setLineDash([]);
  context.strokeRect(left, top, right - left, bottom - top);
  context.strokeStyle = colour;
  context.setLineDash(certain ? [] : [3 * line, 3 * line]);
  context.strokeRect(left + line, top + line, right - left - 2 * line, bottom - top - 2 * line);
  const size = Math.min(48, Math.max(14, 0.14 * (right - left)));
  context.font = `600 ${size}px system-ui, sans-serif`;
  const label = `${number} ${name(emotion)}${certain ? "" : "?"} ${Math.round(100 * probabilities[emotion])}%`;
  context.save();
  context.translate(mirrored ? right : left, top > 1.4 * size ? top - 1.4 * size : bottom);
  if (mirrored) context.scale(-1, 1); // text is to be read, though the picture is mirrored
  context.fillStyle = "#000000";
  context.fillRect(0, 0, context.measureText(label).width + size * 0.6, 1.4 * size);
  context.fillStyle = colour;
  context.fillText(label, size * 0.3, size * 1.05);
  context.restore();
}

// Seven bars in an element, made once and changed from then on. first: the index of the label, if any.
export function drawBars(place, shares, { name, colours }, first) {
  while (place.children.length < shares.length) {
    const bar = document.createElement("div");
    bar.className = "bar";
    bar.innerHTML = '<span></span><div class="track"><span></span></div><b></b>';
    place.append(bar);
  }
  shares.forEach((share, index) => {
    const bar = place.children[index];
    bar.classList.toggle("first", index === first);
    bar.firstChild.textContent = name(index);
    const fill = bar.querySelector(".track span");
    fill.style.width = `${100 * share}%`;
    fill.style.background = colours[index];
    bar.lastChild.textContent = `${Math.round(100 * share)}%`;
  });
}
