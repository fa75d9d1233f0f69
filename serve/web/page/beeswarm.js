// A beeswarm of contributions, and a histogram of predictions. Nothing here asks the server.
import { cut, digits, figure, shape, signed } from './dom.js'

// place says at which quantile of training a value lies, from 0 to 1; -1 where that has no meaning.
export function quantile(input, value) {
  const q = input?.quantiles
  if (!q || value === null || !Number.isFinite(value)) return -1
  let low = 0, high = q.length
  while (low < high) {
    const mid = (low + high) >> 1
    if (q[mid] < value) low = mid + 1
    else high = mid
  }
  return low / (q.length - 1 || 1)
}

// beeswarm draws a row a feature and a point a patient. rows are {feature, input, points: [{patient, amount, value}], mean}.
export function beeswarm(rows, what, width, pick) {
  const narrow = width < 460, left = narrow ? 8 : Math.round(0.36 * width), right = 12, top = 8, each = narrow ? 56 : 40
  const height = top + each * rows.length + 40
  const amounts = rows.flatMap(r => r.points.map(p => p.amount))
  const low = Math.min(0, ...amounts), high = Math.max(0, ...amounts)
  const x = v => left + (width - left - right) * (v - low) / ((high - low) || 1)
  const g = figure(width, height, `Contributions of ${rows.length} features (${what}). ` + rows.map(r => `${r.feature}: mean size ${digits(r.mean)}`).join('; '))
  g.setAttribute('class', 'beeswarm')
  rows.forEach((r, i) => {
    const middle = top + each * i + (narrow ? 34 : each / 2)
    g.append(shape('line', { x1: left, x2: width - right, y1: middle, y2: middle, class: 'axis' }))
    const name = shape('text', { x: 0, y: narrow ? middle - 18 : middle + 4 }, cut(r.feature, Math.floor((narrow ? width : left - 8) / 6.6)))
    name.append(shape('title', {}, `${r.feature}: mean size ${digits(r.mean)}`))
    g.append(name)
    const room = narrow ? 14 : 16, filled = new Map() // column of pixels → how many points lie there
    for (const p of [...r.points].sort((a, b) => a.amount - b.amount)) {
      const column = Math.round(x(p.amount) / 3)
      const n = filled.get(column) || 0
      filled.set(column, n + 1)
      const off = Math.min(room, 2.4 * Math.ceil(n / 2)) * (n % 2 ? 1 : -1)
      const q = quantile(r.input, p.value)
      const dot = shape('circle', { cx: x(p.amount).toFixed(1), cy: (middle + off).toFixed(1), r: 2.6, class: q < 0 ? 'dot' : 'dot q' + Math.round(q * 8), 'data-patient': p.patient })
      g.append(dot)
    }
  })
  const zero = x(0), bottom = top + each * rows.length
  // On a narrow page names stand over their rows, and the line of zero passes them by.
  const lines = narrow ? rows.map((_, i) => [top + each * i + 20, top + each * i + 50]) : [[top, bottom]]
  g.append(...lines.map(([y1, y2]) => shape('line', { x1: zero, x2: zero, y1, y2, class: 'mark' })), shape('text', { x: zero, y: bottom + 16, 'text-anchor': 'middle' }, '0'))
  for (const [v, anchor] of [[low, 'start'], [high, 'end']]) if (Math.abs(x(v) - zero) > 30) g.append(shape('text', { x: x(v), y: bottom + 16, 'text-anchor': anchor }, signed(v)))
  g.append(shape('text', { x: (left + width - right) / 2, y: bottom + 34, 'text-anchor': 'middle', class: 'quiet' }, `contribution (${what})`))
  g.addEventListener('click', e => { const n = e.target.dataset?.patient; if (n !== undefined) pick(Number(n)) })
  return g
}

// histogram draws how predictions are spread. marks are {at, text}; of says which class of colours a value has.
export function histogram(values, what, width, marks, of = () => 'likely', range = null) {
  const [low, high] = range || [Math.min(...values), Math.max(...values)]
  const bins = Math.max(5, Math.min(24, Math.round(Math.sqrt(values.length) * 1.5)))
  const counts = Array(bins).fill(0)
  for (const v of values) counts[Math.min(bins - 1, Math.floor(bins * (v - low) / ((high - low) || 1)))]++
  const most = Math.max(1, ...counts), left = 30, right = 10, top = 18, bottom = 130
  const x = v => left + (width - left - right) * (v - low) / ((high - low) || 1)
  const g = figure(width, bottom + 40, `${values.length} patients by ${what}, from ${digits(low)} to ${digits(high)}: ` + counts.join(', '))
  counts.forEach((n, i) => {
    const a = low + (high - low) * i / bins, b = low + (high - low) * (i + 1) / bins
    const h = (bottom - top) * n / most
    const bar = shape('rect', { x: x(a) + 0.5, y: bottom - h, width: Math.max(1, x(b) - x(a) - 1), height: h, class: of((a + b) / 2) })
    bar.append(shape('title', {}, `${n} from ${digits(a)} to ${digits(b)}`))
    g.append(bar)
  })
  g.append(shape('line', { x1: left, x2: width - right, y1: bottom, y2: bottom, class: 'axis' }), shape('text', { x: left - 4, y: top + 8, 'text-anchor': 'end' }, most))
  for (const m of marks) if (m.at >= low && m.at <= high) g.append(shape('line', { x1: x(m.at), x2: x(m.at), y1: top - 4, y2: bottom, class: 'limit' }), shape('text', { x: Math.min(Math.max(x(m.at), left + 40), width - 50), y: 10, 'text-anchor': 'middle', class: 'quiet' }, m.text))
  g.append(shape('text', { x: left, y: bottom + 16 }, digits(low)), shape('text', { x: width - right, y: bottom + 16, 'text-anchor': 'end' }, digits(high)),
    shape('text', { x: (left + width - right) / 2, y: bottom + 34, 'text-anchor': 'middle', class: 'quiet' }, what))
  return g
}
