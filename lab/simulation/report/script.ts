/**
 * The script of the report, as text: the light/dark switch, a cross-hair that reads the lines, and dimming
 * of the others when a policy's name is pointed at. Nothing that the page says needs it.
 */

export const SCRIPT = `
'use strict';
(() => {
  const root = document.documentElement;
  root.classList.add('has-script');
  const isDark = () => root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  document.getElementById('theme').addEventListener('click', () => { root.dataset.theme = isDark() ? 'light' : 'dark'; });

  for (const named of document.querySelectorAll('[data-series]')) {
    const figure = named.closest('figure');
    if (figure === null) continue;
    named.addEventListener('mouseenter', () => {
      figure.classList.add('is-focused');
      for (const one of figure.querySelectorAll('[data-series]')) one.classList.toggle('is-hot', one.dataset.series === named.dataset.series);
    });
    named.addEventListener('mouseleave', () => figure.classList.remove('is-focused'));
  }

  const readout = document.getElementById('readout');
  const axis = (text) => { const [from, to, a, b, kind] = text.split(' '); return { from: +from, to: +to, a: +a, b: +b, isLog: kind === 'log' }; };
  const valueAt = (s, place) => {
    const part = (place - s.a) / (s.b - s.a);
    return s.isLog ? 10 ** (Math.log10(s.from) + part * (Math.log10(s.to) - Math.log10(s.from))) : s.from + part * (s.to - s.from);
  };
  const text = (value) => Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : String(+value.toPrecision(4));
  for (const svg of document.querySelectorAll('svg[data-x]')) {
    const x = axis(svg.dataset.x), y = axis(svg.dataset.y);
    const lines = [...svg.querySelectorAll('polyline')].map((line) => ({ line, points: [...line.points] }));
    const cross = document.createElementNS('http://www.w3.org/2000/svg', 'line');
    cross.setAttribute('class', 'cross'); cross.setAttribute('y1', y.a); cross.setAttribute('y2', y.b);
    svg.addEventListener('mouseleave', () => { readout.style.display = 'none'; cross.remove(); });
    svg.addEventListener('mousemove', (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      if (at.x < x.a || at.x > x.b) { readout.style.display = 'none'; cross.remove(); return; }
      cross.setAttribute('x1', at.x); cross.setAttribute('x2', at.x); svg.append(cross);
      const rows = lines.flatMap(({ line, points }) => {
        const next = points.findIndex((point) => point.x >= at.x);
        if (next < 0 || points.length === 0) return [];
        const after = points[next], before = points[Math.max(0, next - 1)];
        const part = after.x === before.x ? 1 : (at.x - before.x) / (after.x - before.x);
        return [{ line, value: valueAt(y, before.y + part * (after.y - before.y)) }];
      }).sort((a, b) => b.value - a.value);
      const table = document.createElement('table');
      for (const { line, value } of rows) {
        const row = table.insertRow(); row.className = line.getAttribute('class').replace('line', '');
        const name = document.createElement('th'); name.textContent = line.dataset.series; row.append(name);
        row.insertCell().textContent = text(value);
      }
      readout.replaceChildren(svg.dataset.xTitle + ': ' + text(valueAt(x, at.x)), table);
      readout.style.display = 'block';
      const width = readout.offsetWidth;
      readout.style.left = (event.clientX + 18 + width > innerWidth ? event.clientX - 18 - width : event.clientX + 18) + 'px';
      readout.style.top = Math.max(6, Math.min(event.clientY + 14, innerHeight - readout.offsetHeight - 6)) + 'px';
    });
  }
})();
`.trim();
