// A section on its canvas: CT, contour, lost cortex, letters and scale.

const SECTORS = 120;
const CONTOUR = '#7fe3ff';
const INTACT = '#b7f5c8';
/** Lost above the chosen depth, above half, through the wall; as on the pictures of the report. */
const LOST = ['#f0e442', '#f28e2b', '#ff3b5c'];
/** The drawing of the report has this side; widths are told in its units. */
const PANEL = 270;

/** What a canvas shows: the section, how far it reaches, whether left and right are exchanged. */
function viewOf(canvas, section, half, mirrored) {
  const side = canvas.width;
  const scale = side / (2 * half);
  return {
    section,
    side,
    half,
    mirrored,
    unit: side / PANEL,
    scale,
    /** Canvas position of a point, mm from the bone's centre. */
    at: (x, y) => [side / 2 + (mirrored ? -x : x) * scale, side / 2 + y * scale],
  };
}

/** Canvas pixels that the panel shows; dense screens get dense pictures, within reason. */
function fit(canvas) {
  const wide = canvas.clientWidth || PANEL;
  const side = Math.min(Math.round(wide * Math.min(window.devicePixelRatio || 1, 2)), 1000);
  if (canvas.width !== side) {
    canvas.width = side;
    canvas.height = side;
  }
  return side;
}

function paint(canvas, large, view, look) {
  const context = canvas.getContext('2d');
  context.putImageData(windowed(large, view.side, look.window), 0, 0);
  if (look.lost) lostCortex(context, view);
  if (look.contour) contours(context, view);
  if (look.sector !== null && !view.mirrored) sectorMark(context, view, look.sector);
  letters(context, view);
  scaleBar(context, view);
}

function blank(canvas, text) {
  const context = canvas.getContext('2d');
  context.fillStyle = '#000';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = '#ccc';
  context.font = `${Math.round((13 * canvas.width) / PANEL)}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.fillText(text, canvas.width / 2, canvas.height / 2, canvas.width * 0.9);
}

function radii(hundredths) {
  return hundredths.map((radius) => (radius < 0 ? null : radius / 100));
}

/** The point in the middle of a sector (or at its border, half a sector earlier). */
function polar(view, radius, sector) {
  const angle = (2 * Math.PI * sector) / SECTORS;
  return view.at(radius * Math.cos(angle), radius * Math.sin(angle));
}

function contours(context, view) {
  const { outer, inner } = view.section;
  stroke(context, outline(view, radii(inner)), INTACT, 0.8 * view.unit, [3 * view.unit, 3 * view.unit]);
  stroke(context, outline(view, radii(outer)), CONTOUR, 1.1 * view.unit, []);
}

function stroke(context, path, colour, width, dash) {
  context.save();
  context.strokeStyle = colour;
  context.lineWidth = Math.max(width, 1);
  context.setLineDash(dash);
  context.stroke(path);
  context.restore();
}

function outline(view, radius) {
  const path = new Path2D();
  let drawing = false;
  for (let sector = 0; sector < SECTORS; sector++) {
    if (radius[sector] === null) {
      drawing = false;
      continue;
    }
    const [x, y] = polar(view, radius[sector], sector + 0.5);
    if (drawing) path.lineTo(x, y);
    else path.moveTo(x, y);
    drawing = true;
  }
  if (radius.every((r) => r !== null)) path.closePath();
  return path;
}

/** Radius at the border before a sector: half-way between the middles of both. */
function border(radius, sector) {
  const before = radius[(sector + SECTORS - 1) % SECTORS];
  const after = radius[sector % SECTORS];
  if (before === null) return after;
  return after === null ? before : (before + after) / 2;
}

function lostCortex(context, view) {
  const outer = radii(view.section.outer);
  const inner = radii(view.section.inner);
  const mm = view.unit / view.scale;
  for (const { grade, first, end } of lostRuns(view.section.loss)) {
    const borders = Array.from({ length: end - first + 1 }, (_, n) => first + n);
    const far = borders.map((sector) => border(outer, sector));
    const near = borders.map((sector) => border(inner, sector));
    if (far.includes(null)) continue;
    context.fillStyle = LOST[grade - 1];
    if (!near.includes(null)) {
      context.globalAlpha = 0.38;
      context.fill(ribbon(view, borders, near, far));
      context.globalAlpha = 1;
    }
    // Outside the bone, where it hides nothing; the deeper the loss the broader, so that colour is not needed.
    const band = (width) => far.map((radius) => radius + width * mm);
    context.fill(ribbon(view, borders, band(4), band(6.5 + 2.5 * grade)));
  }
}

/** Neighbouring sectors of one grade of loss, so that no seam shows between them. */
function lostRuns(loss) {
  const runs = [];
  for (let sector = 0; sector < SECTORS; sector++) {
    const grade = Number(loss[sector]);
    const last = runs.at(-1);
    if (last?.grade === grade && last.end === sector) last.end = sector + 1;
    else if (grade) runs.push({ grade, first: sector, end: sector + 1 });
  }
  return runs;
}

/** What lies between two radii over a run of sectors. */
function ribbon(view, borders, near, far) {
  const path = new Path2D();
  borders.forEach((sector, n) => path.lineTo(...polar(view, far[n], sector)));
  borders.forEach((_, n) => {
    const back = borders.length - 1 - n;
    path.lineTo(...polar(view, near[back], borders[back]));
  });
  path.closePath();
  return path;
}

/** A wedge outside the contour where the map was clicked. */
function sectorMark(context, view, sector) {
  const radius = radii(view.section.outer)[sector];
  if (radius === null) return;
  const mm = view.unit / view.scale;
  const path = new Path2D();
  path.moveTo(...polar(view, radius + 16 * mm, sector + 0.5));
  path.lineTo(...polar(view, radius + 28 * mm, sector - 1.2));
  path.lineTo(...polar(view, radius + 28 * mm, sector + 2.2));
  path.closePath();
  context.fillStyle = '#fff';
  context.fill(path);
  stroke(context, path, '#000', view.unit, []);
}

function letters(context, view) {
  const { unit, side } = view;
  const edge = 12 * unit;
  const [viewersLeft, viewersRight] = view.mirrored ? [words.left, words.right] : [words.right, words.left];
  context.font = `600 ${Math.round(13 * unit)}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  outlined(context, viewersLeft, edge, side / 2, unit);
  outlined(context, viewersRight, side - edge, side / 2, unit);
  outlined(context, words.anterior, side / 2, edge, unit);
  outlined(context, words.posterior, side / 2, side - edge, unit);
}

function outlined(context, text, x, y, unit) {
  context.lineWidth = 2.6 * unit;
  context.lineJoin = 'round';
  context.strokeStyle = '#000';
  context.strokeText(text, x, y);
  context.fillStyle = '#fff';
  context.fillText(text, x, y);
}

function scaleBar(context, view) {
  const { unit, side } = view;
  const length = 10 * view.scale;
  const [x, y] = [12 * unit, side - 12 * unit];
  const path = new Path2D(`M${x} ${y - 4 * unit}v${8 * unit}m0 ${-4 * unit}h${length}m0 ${-4 * unit}v${8 * unit}`);
  stroke(context, path, '#000', 3.6 * unit, []);
  stroke(context, path, '#fff', 1.6 * unit, []);
  context.textAlign = 'left';
  outlined(context, '10 mm', x, y - 13 * unit, unit);
}
