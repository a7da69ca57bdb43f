// Map and profile: a cursor at the slice that is shown, and the way back from a click to the slice.

const SVG = 'http://www.w3.org/2000/svg';

/** A drawing with its cursor. `place` is the left border and width of its plot. */
function linkedDrawing(svg, axis, [left, width], choose) {
  const halo = cursorLine(svg, left, width, 'vx-halo');
  const line = cursorLine(svg, left, width, 'vx-cursor');
  const pick = (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const z = axis.high_mm - ((at.y - axis.top) / axis.height) * (axis.high_mm - axis.low_mm);
    const across = (at.x - left) / width;
    choose(z, across >= 0 && across < 1 ? across : null);
  };
  svg.classList.add('vx-linked');
  svg.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    // A finger may still scroll the page past the drawing.
    if (event.pointerType !== 'touch') svg.setPointerCapture(event.pointerId);
    pick(event);
  });
  svg.addEventListener('pointermove', (event) => {
    if (svg.hasPointerCapture(event.pointerId)) pick(event);
  });
  return (z) => {
    const y = axis.top + (axis.height * (axis.high_mm - z)) / (axis.high_mm - axis.low_mm);
    for (const part of [halo, line]) {
      part.setAttribute('y1', y);
      part.setAttribute('y2', y);
    }
  };
}

function cursorLine(svg, left, width, name) {
  const line = document.createElementNS(SVG, 'line');
  line.setAttribute('class', name);
  line.setAttribute('x1', left - 6);
  line.setAttribute('x2', left + width + 6);
  line.setAttribute('aria-hidden', 'true');
  svg.append(line);
  return line;
}

/** The strip above the slider: both percentages of each slice, flags on top. */
function paintStrip(canvas, rows, shown) {
  const dense = Math.min(window.devicePixelRatio || 1, 2);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.round(width * dense);
  canvas.height = Math.round(height * dense);
  const context = canvas.getContext('2d');
  context.scale(dense, dense);
  const style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(name).trim();
  // The slider's thumb stops half its width before either end.
  const inset = 8;
  const step = (width - 2 * inset) / Math.max(shown.length - 1, 1);
  shown.forEach((row, n) => {
    const [axial, around] = rows[row].percent ?? [0, 0];
    // On whole pixels: between bars that only touch, a screen shows seams.
    const [left, right] = [n - 0.5, n + 0.5].map((place) => Math.round((inset + place * step) * dense) / dense);
    const box = (ink, top, tall) => {
      context.fillStyle = ink;
      context.fillRect(left, top, Math.max(right - left, 1 / dense), tall);
    };
    const tall = (percent) => (percent / 100) * (height - 8);
    box(colour('--around-soft'), height - tall(around), tall(around));
    box(colour('--axial'), height - tall(axial), tall(axial));
    if (rows[row].flagged) box(colour('--high'), 0, 4);
  });
}
