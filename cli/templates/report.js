
'use strict';

// Opens the findings to which a cell links, in browsers that do not open them themselves.
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  const details = target && target.closest('details');
  if (details && !details.open) {
    details.open = true;
    target.scrollIntoView();
  }
}
window.addEventListener('hashchange', openTarget);
openTarget();

// Filters objects: an object matches if its findings contain every word.
const form = document.getElementById('filter');
if (form) {
  const all = [...document.querySelectorAll('details[data-row]')].map((details) => ({
    details,
    row: document.querySelector(`tr[data-row="${details.dataset.row}"]`),
    text: details.textContent.toLowerCase(),
    denied: details.dataset.verdict === 'deny',
  }));
  const groups = [...document.querySelectorAll('tbody')];
  const filter = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const { details, row, text, denied } of all) {
      const matches = words.every((word) => text.includes(word)) && (denied || !form.elements.denied.checked);
      details.hidden = !matches;
      row.hidden = !matches;
      shown += matches;
    }
    for (const group of groups) {
      const rows = [...group.querySelectorAll('tr[data-row]')];
      group.hidden = rows.length > 0 && rows.every((row) => row.hidden);
    }
    form.querySelector('output').textContent = shown === all.length ? '' : `${shown} of ${all.length} objects`;
  };
  form.addEventListener('input', filter);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.hidden = false;
  filter();
}
