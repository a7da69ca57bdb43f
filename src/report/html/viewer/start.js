// Begins when everything above is known. Where anything is missing the page stays as it is without a script.

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

const data = JSON.parse(document.getElementById('data').textContent);
const words = data.words;

if ('DecompressionStream' in window) {
  document.addEventListener('wheel', (event) => {
    pageTurned = event.timeStamp;
  }, { passive: true });
  const viewers = data.bones.map(stage);
  // Worst slices as still pictures are for print: the viewer shows them.
  if (viewers.every(Boolean)) document.documentElement.classList.add('viewing');
}
startReview();
