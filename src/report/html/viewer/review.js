// What a reader decides: slices and lesions accepted, rejected, commented; the pain. Saved as a file, kept nowhere else.

const SCHEMA = 'corticalysis/review/v1';
const PAINS = ['mild', 'moderate', 'functional'];

/** Bones with a viewer, then those of which only a neck was measured. */
function reviewedBones() {
  return [...data.bones, ...data.necks];
}

/** All decisions, empty at first. Keys are rows and numbers of lesions. */
function newReview() {
  const nothing = () => ({ pain: null, slices: new Map(), lesions: new Map(), neckLesions: new Map() });
  return { bones: reviewedBones().map(nothing), saved: true };
}

function startReview() {
  const review = newReview();
  reviewedBones().forEach((bone, n) => {
    const section = document.getElementById(`bone-${bone.index}`) ?? document.getElementById(`neck-${bone.index}`);
    if (!section) return;
    const { slices, lesions, neckLesions } = review.bones[n];
    for (const [name, kept] of [['slice', slices], ['lesion', lesions], ['necklesion', neckLesions]]) {
      addColumn(section, name, kept, review);
    }
    addPain(section, bone, review.bones[n], review);
  });
  document.getElementById('review-form').hidden = false;
  document.getElementById('save').addEventListener('click', () => save(review));
  document.getElementById('reviewer').addEventListener('input', () => changed(review));
  window.addEventListener('beforeunload', (event) => {
    if (!review.saved) event.preventDefault();
  });
  tellState(review);
}

/** A last column in the table of slices, lesions or losses of a neck, with the decision and a comment. */
function addColumn(section, name, kept, review) {
  const lines = section.querySelectorAll(`tr[data-${name}]`);
  if (!lines.length) return;
  lines[0].closest('table').querySelector('thead tr').append(
    element('th', { scope: 'col', className: 'decide', textContent: words.review }),
  );
  for (const line of lines) {
    const subject = line.querySelector('th').textContent.trim();
    const entry = { decision: null, comment: '' };
    const cell = element('td', { className: 'decide' });
    cell.append(...decisions(subject, entry, kept, Number(line.dataset[name]), review));
    line.append(cell);
  }
}

function decisions(subject, entry, kept, key, review) {
  const remember = () => {
    if (entry.decision || entry.comment) kept.set(key, entry);
    else kept.delete(key);
    changed(review);
  };
  const buttons = [['accepted', '✓', words.accept], ['rejected', '✗', words.reject]].map(([decision, sign, label]) => {
    const button = element('button', { type: 'button', textContent: `${sign} ${label}` });
    button.dataset.decision = decision;
    button.setAttribute('aria-label', `${label}: ${subject}`);
    button.setAttribute('aria-pressed', 'false');
    button.addEventListener('click', () => {
      entry.decision = entry.decision === decision ? null : decision;
      for (const other of buttons) {
        other.setAttribute('aria-pressed', String(other.dataset.decision === entry.decision));
      }
      remember();
    });
    return button;
  });
  const comment = element('input', { type: 'text', maxLength: 500, placeholder: words.comment });
  comment.setAttribute('aria-label', `${words.comment}: ${subject}`);
  comment.addEventListener('input', () => {
    entry.comment = comment.value.trim();
    remember();
  });
  return [...buttons, comment];
}

function addPain(section, bone, said, review) {
  const table = section.querySelector('table.mirels');
  if (!table) return;
  const select = element('select', {});
  select.append(element('option', { value: '', textContent: words.painUnknown }));
  for (const pain of PAINS) select.append(element('option', { value: pain, textContent: words[pain] }));
  select.addEventListener('change', () => {
    said.pain = select.value || null;
    changed(review);
  });
  const label = element('label', { className: 'pain-choice', textContent: `${words.pain} ` });
  label.append(select);
  table.closest('.scroll').after(label);
}

function changed(review) {
  review.saved = false;
  tellState(review);
}

function tellState(review) {
  const entries = review.bones.flatMap((bone) => [
    ...bone.slices.values(),
    ...bone.lesions.values(),
    ...bone.neckLesions.values(),
  ]);
  const counts = {
    a: entries.filter((entry) => entry.decision === 'accepted').length,
    r: entries.filter((entry) => entry.decision === 'rejected').length,
    c: entries.filter((entry) => entry.comment).length,
    p: review.bones.filter((bone) => bone.pain).length,
  };
  const any = Object.values(counts).some((count) => count > 0);
  const told = words.decided.replace(/\{(\w)\}/g, (_, name) => counts[name]);
  const state = review.saved ? words.saved : words.unsaved;
  document.getElementById('review-state').textContent = any ? `${told} (${state})` : words.nothing;
}

/** The review in its published format. */
function asJson(review) {
  return {
    schema: SCHEMA,
    tool: data.tool,
    series_instance_uid: data.series,
    date: new Date().toISOString(),
    reviewer: document.getElementById('reviewer').value.trim(),
    bones: reviewedBones().flatMap((bone, n) => boneJson(bone, review.bones[n])),
  };
}

function boneJson(bone, said) {
  if (!said.pain && !said.slices.size && !said.lesions.size && !said.neckLesions.size) return [];
  const inOrder = (kept) => [...kept.entries()].sort(([a], [b]) => a - b);
  return [
    {
      bone: bone.bone,
      side: bone.side,
      z_range_mm: bone.z_range_mm,
      pain: said.pain,
      lesions: inOrder(said.lesions).map(([id, { decision, comment }]) => ({
        id,
        z_range_mm: bone.lesions.find((lesion) => lesion.id === id).z_range_mm,
        decision,
        comment,
      })),
      slices: inOrder(said.slices).map(([row, { decision, comment }]) => ({
        sop_instance_uid: bone.rows[row].uid,
        instance_number: bone.rows[row].instance,
        z_mm: bone.rows[row].z,
        decision,
        comment,
      })),
      neck_lesions: inOrder(said.neckLesions).map(([id, { decision, comment }]) => ({
        id,
        from_head_range_mm: bone.neck_lesions.find((lesion) => lesion.id === id).from_head_range_mm,
        decision,
        comment,
      })),
    },
  ];
}

function save(review) {
  const text = `${JSON.stringify(asJson(review), null, 2)}\n`;
  const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = element('a', { href: address, download: 'review.json' });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
  review.saved = true;
  tellState(review);
}
