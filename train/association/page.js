'use strict';
const svgNS = 'http://www.w3.org/2000/svg';
const el = (name, attributes, parent, text) => {
  const e = document.createElementNS(svgNS, name);
  for (const k in attributes) e.setAttribute(k, attributes[k]);
  if (text !== undefined) e.textContent = text;
  if (parent) parent.appendChild(e);
  return e;
};
const byId = id => document.getElementById(id);
const short = (s, n) => s.length <= n ? s : s.slice(0, n - 1) + '…';
const show = v => v === 0 ? '0' : Math.abs(v) < 1e-3 || Math.abs(v) >= 1e5 ? v.toExponential(1) : v.toPrecision(3);
const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const mix = (a, b, t) => {
  const p = c => [1, 3, 5].map(i => parseInt((c.length === 4 ? '#' + [...c.slice(1)].map(h => h + h).join('') : c).slice(i, i + 2), 16));
  const x = p(a), y = p(b);
  return 'rgb(' + x.map((v, i) => Math.round(v + (y[i] - v) * t)).join(',') + ')';
};
const colour = v => v === null ? style('--paper') : v < 0 ? mix(style('--mid'), style('--low'), Math.min(1, -v)) : mix(style('--mid'), style('--high'), Math.min(1, v));
const found = new Map(data.top.map(p => [p.x + '\n' + p.y, p]));

// Axes with about five round marks.
function ticks(low, high) {
  const raw = (high - low) / 5 || 1, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(k => k * power).find(k => k >= raw);
  const out = [];
  for (let k = Math.ceil(low / step); k * step <= high + 1e-12; k++) out.push(+(k * step).toPrecision(12));
  return out;
}
function plot(where, width, height, xs, ys, labelX, labelY) {
  where.replaceChildren();
  const s = el('svg', {viewBox: `0 0 ${width} ${height}`}, where);
  const box = {left: 62, right: width - 12, top: 10, bottom: height - 42};
  const pad = ([a, b]) => a === b ? [a - 1, b + 1] : [a - (b - a) * .04, b + (b - a) * .04];
  const [x0, x1] = pad(xs), [y0, y1] = pad(ys);
  const X = v => box.left + (v - x0) / (x1 - x0) * (box.right - box.left);
  const Y = v => box.bottom - (v - y0) / (y1 - y0) * (box.bottom - box.top);
  el('path', {class: 'axis', fill: 'none', d: `M${box.left},${box.top}V${box.bottom}H${box.right}`}, s);
  for (const t of ticks(x0, x1)) el('text', {x: X(t), y: box.bottom + 15, 'text-anchor': 'middle'}, s, String(t));
  if (labelY !== null) for (const t of ticks(y0, y1)) el('text', {x: box.left - 6, y: Y(t) + 4, 'text-anchor': 'end'}, s, String(t));
  el('text', {x: (box.left + box.right) / 2, y: height - 8, 'text-anchor': 'middle', class: 'quietly'}, s, short(labelX, 60));
  if (labelY) el('text', {transform: `translate(13 ${(box.top + box.bottom) / 2}) rotate(-90)`, 'text-anchor': 'middle', class: 'quietly'}, s, short(labelY, 48));
  return {s, X, Y, box};
}
const extent = list => [Math.min(...list), Math.max(...list)];

function scatter(p) {
  const where = byId('scatter');
  byId('pair').textContent = `${p.x} and ${p.y}: effect ${show(p.effect)}, p ${show(p.p)}, q ${show(p.q)}, ${p.n} patients`;
  if (!p.points) {
    where.replaceChildren();
    byId('pair').textContent += '. Values are kept for the strongest pairs only.';
    return;
  }
  const levels = p.levels;
  const g = plot(where, 520, 380, extent(p.points.map(q => q[0])), levels ? [0, Math.max(1, levels.length - 1)] : extent(p.points.map(q => q[1])), p.x, levels ? null : p.y);
  if (levels) {
    levels.forEach((l, k) => el('text', {x: g.box.left - 6, y: g.Y(k) + 4, 'text-anchor': 'end'}, g.s, short(l, 9)));
    el('text', {x: g.box.left + 4, y: g.box.top + 8, class: 'quietly'}, g.s, short(p.y, 60));
  }
  p.points.forEach((q, k) => el('circle', {cx: g.X(q[0]), cy: g.Y(q[1]) + (levels ? (k % 9 - 4) * 3 : 0), r: 3.2, fill: style('--low'), 'fill-opacity': .65}, g.s));
}

function volcano() {
  const where = byId('volcano'), v = data.volcano;
  if (!v.length) return;
  const g = plot(where, 520, 380, extent(v.map(p => p.e)), [0, Math.max(1, ...v.map(p => p.l))], 'effect', '−log10 p');
  for (const p of v) el('circle', {cx: g.X(p.e), cy: g.Y(p.l), r: p.f ? 2.6 : 1.4, fill: p.f ? (p.e < 0 ? style('--low') : style('--high')) : style('--quiet'), 'fill-opacity': p.f ? .9 : .35}, g.s);
}

function heat() {
  const where = byId('heat'), h = data.heat;
  if (!h.x.length) { where.textContent = 'No pair could be tested.'; return; }
  const cell = 9, left = 300, top = 130;
  const width = left + h.y.length * cell + 70, height = top + h.x.length * cell + 10;
  const s = el('svg', {viewBox: `0 0 ${Math.max(width, 700)} ${height}`}, where);
  const g = el('g', {}, s);
  h.x.forEach((x, i) => el('text', {x: left - 5, y: top + i * cell + 7.5, 'text-anchor': 'end', style: 'font-size:8px'}, g, short(x, 62)));
  h.y.forEach((y, j) => el('text', {transform: `translate(${left + j * cell + 7} ${top - 5}) rotate(-60)`, style: 'font-size:8px'}, g, short(y, 26)));
  h.effect.forEach((row, i) => row.forEach((v, j) => {
    const r = el('rect', {x: left + j * cell, y: top + i * cell, width: cell - .5, height: cell - .5, fill: colour(v)}, g);
    el('title', {}, r, `${h.x[i]}\n${h.y[j]}\n${v === null ? 'not tested' : show(v)}`);
    r.addEventListener('click', () => {
      const p = found.get(h.x[i] + '\n' + h.y[j]);
      if (p) scatter(p); else byId('pair').textContent = `${h.x[i]} and ${h.y[j]}: effect ${v === null ? 'none' : show(v)}; not among the strongest pairs.`;
    });
    if (h.found[i][j]) el('circle', {cx: left + j * cell + cell / 2, cy: top + i * cell + cell / 2, r: 1.3, fill: style('--mark'), 'pointer-events': 'none'}, g);
  }));
  // Zoom and move by changing the view box.
  const full = [0, 0, Math.max(width, 700), height];
  let view = [...full];
  const apply = () => s.setAttribute('viewBox', view.join(' '));
  const zoom = (factor, cx, cy) => {
    const w = Math.min(full[2], Math.max(full[2] / 20, view[2] * factor)), k = w / view[2];
    view = [cx - (cx - view[0]) * k, cy - (cy - view[1]) * k, w, view[3] * k];
    if (w === full[2]) view = [...full];
    apply();
  };
  const at = e => { const r = s.getBoundingClientRect(); return [view[0] + (e.clientX - r.left) / r.width * view[2], view[1] + (e.clientY - r.top) / r.height * view[3]]; };
  s.addEventListener('wheel', e => { e.preventDefault(); zoom(e.deltaY > 0 ? 1.2 : 1 / 1.2, ...at(e)); }, {passive: false});
  const pointers = new Map();
  s.addEventListener('pointerdown', e => pointers.set(e.pointerId, e));
  for (const end of ['pointerup', 'pointercancel', 'pointerleave']) s.addEventListener(end, e => pointers.delete(e.pointerId));
  s.addEventListener('pointermove', e => {
    const before = pointers.get(e.pointerId);
    if (!before) return;
    const r = s.getBoundingClientRect();
    if (pointers.size === 2) {
      const other = [...pointers.values()].find(p => p.pointerId !== e.pointerId);
      const d = p => Math.hypot(p.clientX - other.clientX, p.clientY - other.clientY) || 1;
      zoom(d(before) / d(e), ...at(e));
    } else if (view[2] < full[2]) {
      view[0] -= (e.clientX - before.clientX) / r.width * view[2];
      view[1] -= (e.clientY - before.clientY) / r.height * view[3];
      apply();
    }
    pointers.set(e.pointerId, e);
  });
  where.addEventListener('keydown', e => {
    const step = view[2] / 10, move = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]}[e.key];
    if (move && view[2] < full[2]) { view[0] += move[0]; view[1] += move[1]; apply(); e.preventDefault(); }
    if (e.key === '+' || e.key === '=') zoom(1 / 1.3, view[0] + view[2] / 2, view[1] + view[3] / 2);
    if (e.key === '-') zoom(1.3, view[0] + view[2] / 2, view[1] + view[3] / 2);
  });
}

// The strongest links as two columns: what is linked to what, thicker where stronger.
function network() {
  const links = data.top.slice(0, 40), where = byId('network');
  const xs = [...new Set(links.map(p => p.x))], ys = [...new Set(links.map(p => p.y))];
  if (!links.length) return;
  const line = 17, height = Math.max(xs.length, ys.length) * line + 20, width = 1000;
  const s = el('svg', {viewBox: `0 0 ${width} ${height}`}, where);
  const Y = (k, n) => 18 + (k + .5) * (height - 26) / n;
  for (const p of links) {
    const a = Y(xs.indexOf(p.x), xs.length), b = Y(ys.indexOf(p.y), ys.length);
    const path = el('path', {d: `M400,${a}C520,${a} 580,${b} 700,${b}`, fill: 'none', stroke: p.effect < 0 ? style('--low') : style('--high'), 'stroke-width': .6 + 3 * Math.abs(p.effect), 'stroke-opacity': .6, 'stroke-dasharray': p.effect < 0 ? '6 3' : 'none'}, s);
    el('title', {}, path, `${p.x}\n${p.y}\n${show(p.effect)}`);
    path.addEventListener('click', () => scatter(p));
  }
  xs.forEach((x, k) => el('text', {x: 393, y: Y(k, xs.length) + 4, 'text-anchor': 'end'}, s, short(x, 58)));
  ys.forEach((y, k) => el('text', {x: 707, y: Y(k, ys.length) + 4}, s, short(y, 44)));
}

const maybe = v => v === undefined || v === null ? '' : show(v);
const range = p => p.low === undefined || p.high === undefined ? '' : show(p.low) + ' to ' + show(p.high);
function line(body, cells, words, act) {
  const tr = document.createElement('tr');
  cells.forEach((c, k) => {
    const td = document.createElement('td');
    td.textContent = c;
    if (k >= words) td.className = 'n';
    tr.appendChild(td);
  });
  if (act) {
    tr.tabIndex = 0;
    tr.addEventListener('click', act);
    tr.addEventListener('keydown', e => { if (e.key === 'Enter') act(); });
  }
  body.appendChild(tr);
}
function rows() {
  const body = byId('rows'), wanted = byId('filter').value.toLowerCase();
  body.replaceChildren();
  for (const p of data.top) {
    if (!(p.x + ' ' + p.y).toLowerCase().includes(wanted)) continue;
    const cells = [p.x, p.y, show(p.effect), range(p)];
    if (data.raw_found !== undefined) cells.push(maybe(p.raw));
    cells.push(show(p.p), show(p.q));
    if (data.permutations) cells.push(maybe(p.family_wise));
    cells.push(p.stability === undefined ? '' : Math.round(100 * p.stability) + ' %', String(p.n));
    line(body, cells, 2, () => scatter(p));
  }
}
function sets() {
  for (const r of data.sets || []) line(byId('sets'), [r.x, r.set, String(r.size), show(r.score), maybe(r.normalised), show(r.p), show(r.q), String(r.overlap), show(r.over_q)], 2);
}
function modules() {
  const describe = name => {
    const m = [...(data.modules_x || []), ...(data.modules_y || [])].find(m => m.name === name);
    return `${name}: ${m.columns[0]} and ${m.columns.length - 1} more`;
  };
  for (const p of data.module_pairs || []) line(byId('modules'), [describe(p.x), describe(p.y), show(p.effect), show(p.p), show(p.q), String(p.n)], 2);
}

heat();
volcano();
network();
rows();
sets();
modules();
byId('filter').addEventListener('input', rows);
if (data.top.length) scatter(data.top[0]);
