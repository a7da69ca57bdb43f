// The viewer of one bone: which slice is shown, how, and everything that changes it.

const PRESETS = { bone: { centre: 500, width: 2000 }, soft: { centre: 40, width: 400 } };
const LARGE_STEP = 10;
/** The first is as wide as the pixels of a section reach (`WIDEST_ZOOM` of the program). */
const ZOOMS = [0.6, 1, 1.5, 2, 3];
/** Pixels that a wheel reports for about one notch. */
const NOTCH = 50;
/** Turns of the wheel that follow each other this closely are one scroll. */
const PAGE_SCROLL_MS = 250;

/** When the wheel last scrolled the page. */
let pageTurned = -Infinity;

/** Makes the viewer of a bone alive; `null` where the page has no frame for it. */
function stage(bone) {
  const frame = document.getElementById(`viewer-${bone.index}`);
  const shown = bone.rows.flatMap((row, n) => (row.section ? [n] : []));
  if (!frame || !shown.length) return null;
  const find = (name) => frame.querySelector(name);
  const viewer = {
    bone,
    frame,
    shown,
    place: Math.max(nearestPlace(bone, shown, bone.worst ?? shown[0]), 0),
    window: { ...PRESETS.bone },
    zoom: ZOOMS.indexOf(1),
    contour: true,
    lost: true,
    sector: null,
    note: '',
    main: find('canvas.main'),
    twin: find('canvas.twin'),
    twinNote: find('.twin-note'),
    readout: find('.readout'),
    slider: find('input[type=range]'),
    strip: find('canvas.strip'),
    cursors: [],
    enlarged: new Map(),
  };
  frame.hidden = false;
  viewer.strip.hidden = !shown.some((row) => bone.rows[row].percent?.some((percent) => percent > 0));
  viewer.slider.max = shown.length - 1;
  link(viewer);
  listen(viewer);
  watchSize(viewer);
  show(viewer);
  return viewer;
}

function nearestPlace(bone, shown, row) {
  const z = bone.rows[row].z;
  let best = 0;
  shown.forEach((other, place) => {
    if (Math.abs(bone.rows[other].z - z) < Math.abs(bone.rows[shown[best]].z - z)) best = place;
  });
  return best;
}

/** Moves to a place in the stack; beyond its ends nothing happens. */
function moveTo(viewer, place, { note = '', sector = null } = {}) {
  viewer.place = Math.min(Math.max(place, 0), viewer.shown.length - 1);
  viewer.note = note;
  viewer.sector = sector;
  show(viewer);
}

/** To a slice of the bone, measured or not: then to the nearest that is shown, and the reason is told. */
function moveToRow(viewer, row, sector = null) {
  const asked = viewer.bone.rows[row];
  const why = asked.why ? `${asked.name} ${words.notMeasured} ${asked.why}. ${words.nearestShown}` : '';
  moveTo(viewer, nearestPlace(viewer.bone, viewer.shown, row), { note: why, sector });
}

function link(viewer) {
  const section = viewer.frame.closest('section');
  const choose = (isMap) => (z, across) => {
    let nearest = 0;
    viewer.bone.rows.forEach((row, n) => {
      if (Math.abs(row.z - z) < Math.abs(viewer.bone.rows[nearest].z - z)) nearest = n;
    });
    moveToRow(viewer, nearest, isMap && across !== null ? Math.floor(across * SECTORS) : null);
  };
  for (const [name, place] of [['map', viewer.bone.map], ['profile', viewer.bone.profile]]) {
    const svg = section.querySelector(`figure.${name} > svg`);
    if (svg) viewer.cursors.push(linkedDrawing(svg, viewer.bone.axis, place, choose(name === 'map')));
  }
  for (const line of section.querySelectorAll('tr[data-row]')) goButton(viewer, line);
}

/** The number of a flagged slice becomes a button that shows it. */
function goButton(viewer, line) {
  const head = line.querySelector('th');
  const button = element('button', { type: 'button', className: 'go', textContent: head.textContent });
  button.setAttribute('aria-label', `${words.go}: ${viewer.bone.rows[Number(line.dataset.row)].name}`);
  button.addEventListener('click', () => {
    moveToRow(viewer, Number(line.dataset.row));
    viewer.frame.scrollIntoView({ block: 'nearest' });
    viewer.main.focus({ preventScroll: true });
  });
  head.replaceChildren(button);
}

function listen(viewer) {
  const { main, slider, frame } = viewer;
  slider.addEventListener('input', () => moveTo(viewer, Number(slider.value)));
  main.addEventListener('wheel', (event) => wheel(viewer, event), { passive: false });
  main.addEventListener('keydown', (event) => key(viewer, event));
  dragging(viewer);
  for (const button of frame.querySelectorAll('[data-tool]')) {
    button.addEventListener('click', () => tool(viewer, button.dataset.tool));
  }
  for (const button of frame.querySelectorAll('[data-jump]')) {
    button.hidden = button.dataset.jump === 'flagged' && !viewer.bone.rows.some((row) => row.flagged && row.section);
    button.addEventListener('click', () => jump(viewer, button.dataset.jump));
  }
}

/** One slice a notch; upwards is towards the head. */
function wheel(viewer, event) {
  // The browser's own zoom stays the browser's.
  if (event.ctrlKey || !event.deltaY) return;
  // Who scrolls the page past the picture goes on scrolling the page.
  if (event.timeStamp - pageTurned < PAGE_SCROLL_MS) {
    pageTurned = event.timeStamp;
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  // Touch pads send many small steps.
  viewer.turned = (viewer.turned ?? 0) + event.deltaY * (event.deltaMode === 1 ? 40 : 1);
  if (Math.abs(viewer.turned) < NOTCH) return;
  moveTo(viewer, viewer.place - Math.sign(viewer.turned));
  viewer.turned = 0;
}

function key(viewer, event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const last = viewer.shown.length - 1;
  const places = {
    ArrowUp: viewer.place + 1,
    ArrowRight: viewer.place + 1,
    ArrowDown: viewer.place - 1,
    ArrowLeft: viewer.place - 1,
    PageUp: viewer.place + LARGE_STEP,
    PageDown: viewer.place - LARGE_STEP,
    Home: 0,
    End: last,
  };
  const tools = { b: 'bone', s: 'soft', c: 'contour', l: 'lost', '+': 'in', '=': 'in', '-': 'out' };
  const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (pressed in places) moveTo(viewer, places[pressed]);
  else if (pressed in tools) tool(viewer, tools[pressed]);
  else if (pressed === 'f') jump(viewer, 'flagged');
  else return;
  event.preventDefault();
}

function tool(viewer, name) {
  if (name in PRESETS) viewer.window = { ...PRESETS[name] };
  else if (name === 'in') viewer.zoom = Math.min(viewer.zoom + 1, ZOOMS.length - 1);
  else if (name === 'out') viewer.zoom = Math.max(viewer.zoom - 1, 0);
  else viewer[name] = !viewer[name];
  show(viewer);
}

function jump(viewer, where) {
  const { bone, shown, place } = viewer;
  if (where === 'worst') return moveToRow(viewer, bone.worst ?? shown[0]);
  // Towards the feet, then again from the head.
  const flagged = shown.flatMap((row, n) => (bone.rows[row].flagged ? [n] : [])).reverse();
  const next = flagged.find((n) => n < place) ?? flagged[0];
  if (next !== undefined) moveTo(viewer, next);
}

/** The mouse drags the window, a finger the slices. */
function dragging(viewer) {
  const { main } = viewer;
  let from = null;
  main.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    from = { x: event.clientX, y: event.clientY, window: { ...viewer.window }, place: viewer.place };
    main.setPointerCapture(event.pointerId);
    main.focus({ preventScroll: true });
  });
  main.addEventListener('pointermove', (event) => {
    if (!from) return;
    const [right, down] = [event.clientX - from.x, event.clientY - from.y];
    if (event.pointerType === 'touch') moveTo(viewer, from.place - Math.round(down / 8));
    else if (Math.hypot(right, down) > 3) dragWindow(viewer, from.window, right, down);
  });
  const end = () => {
    from = null;
  };
  main.addEventListener('pointerup', end);
  main.addEventListener('pointercancel', end);
}

function dragWindow(viewer, { centre, width }, right, down) {
  viewer.window = {
    centre: Math.round(Math.min(Math.max(centre + 3 * down, -1000), 3000)),
    width: Math.round(Math.min(Math.max(width + 5 * right, 10), 6000)),
  };
  show(viewer);
}

function watchSize(viewer) {
  let pending = 0;
  const again = () => {
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(() => {
      viewer.enlarged.clear();
      paintStrip(viewer.strip, viewer.bone.rows, viewer.shown);
      show(viewer);
    });
  };
  new ResizeObserver(again).observe(viewer.frame);
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);
}

/** Everything as the state says. Of several at once only the last is painted. */
function show(viewer) {
  const row = viewer.bone.rows[viewer.shown[viewer.place]];
  for (const cursor of viewer.cursors) cursor(row.z);
  viewer.slider.value = viewer.place;
  viewer.slider.setAttribute('aria-valuetext', row.name);
  viewer.frame.dataset.row = viewer.shown[viewer.place];
  showTools(viewer);
  showReadout(viewer, row);
  for (const line of viewer.frame.closest('section').querySelectorAll('tr[data-row]')) {
    line.classList.toggle('here', line.dataset.row === viewer.frame.dataset.row);
  }
  cancelAnimationFrame(viewer.frameRequest);
  viewer.frameRequest = requestAnimationFrame(() => {
    const half = row.section.half / ZOOMS[viewer.zoom];
    showSection(viewer, viewer.main, row.section, half, false);
    showTwin(viewer, row, half);
  });
}

function showTools(viewer) {
  const { centre, width } = viewer.window;
  const isPreset = (name) => PRESETS[name].centre === centre && PRESETS[name].width === width;
  for (const button of viewer.frame.querySelectorAll('[data-tool][aria-pressed]')) {
    const name = button.dataset.tool;
    button.setAttribute('aria-pressed', String(name in PRESETS ? isPreset(name) : viewer[name]));
  }
  viewer.frame.querySelector('output.window').textContent = `${words.centre} ${centre} · ${words.width} ${width}`;
}

function showReadout(viewer, row) {
  const facts = element('dl', { className: 'facts' });
  for (const [name, value] of [[words.axial, row.axial], [words.around, row.around]]) {
    facts.append(element('dt', { textContent: name }), element('dd', { textContent: value }));
  }
  const flag = row.flagged ? words.flagged : words.notFlagged;
  const parts = [
    element('p', { className: 'slice', textContent: row.name }),
    element('p', { className: row.flagged ? 'flag on' : 'flag', textContent: flag }),
    facts,
  ];
  if (viewer.note) parts.push(element('p', { className: 'note', textContent: viewer.note }));
  viewer.readout.replaceChildren(...parts);
}

async function showSection(viewer, canvas, section, half, mirrored) {
  const side = fit(canvas);
  canvas.wanted = section;
  const hu = await pixelsOf(section);
  // Meanwhile the reader may have scrolled on.
  if (canvas.wanted !== section) return;
  const key = `${side} ${half} ${mirrored}`;
  if (viewer.enlarged.get(canvas)?.key !== key || viewer.enlarged.get(canvas).section !== section) {
    viewer.enlarged.set(canvas, { key, section, large: enlarge(hu, section, side, half, mirrored) });
  }
  paint(canvas, viewer.enlarged.get(canvas).large, viewOf(canvas, section, half, mirrored), viewer);
  canvas.dataset.painted = `${viewer.frame.dataset.row} ${viewer.window.centre} ${viewer.window.width}`;
}

function showTwin(viewer, row, half) {
  const { twin, bone } = viewer;
  if (!twin) return;
  const there = row.twin === null ? undefined : data.bones.find((other) => other.index === bone.twin)?.rows[row.twin];
  if (!there?.section) {
    fit(twin);
    twin.wanted = null;
    blank(twin, words.noTwin);
    viewer.twinNote.textContent = '';
    return;
  }
  viewer.twinNote.textContent = `, ${bone.registered ? words.homologous : words.sameHeight}: ${there.name.toLowerCase()}`;
  showSection(viewer, twin, there.section, half, true);
}
