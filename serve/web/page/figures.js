// Figures of one prediction, as SVG elements. Nothing here asks the server. Widths are those of the place where they stand.
import { cut, digits, el, figure, percent, shape, signed } from './dom.js'

const line = 26
const letter = 7.4 // the width of a letter, about: names of features have many wide ones

// classes draws the probability of each class, with the threshold from which the last is called.
export function classes(o, about, width) {
  const names = Object.keys(o.probabilities)
  const left = Math.min(0.35 * width, 12 + letter * Math.max(...names.map(n => n.length)))
  const right = 56, span = width - left - right
  const g = figure(width, line * names.length + 8, 'Probability of each class: ' + names.map(n => `${n} ${percent(o.probabilities[n])}`).join(', '))
  names.forEach((n, i) => {
    const y = 4 + line * i, p = o.probabilities[n]
    const called = n === o.label
    g.append(shape('text', { x: 0, y: y + 15, class: called ? 'strong' : '' }, cut(n, Math.floor(left / letter))))
    g.append(shape('rect', { x: left, y, width: span, height: 18, class: 'rail' }))
    g.append(shape('rect', { x: left, y, width: span * (p ?? 0), height: 18, class: called ? 'likely' : 'unlikely' }))
    g.append(shape('text', { x: width, y: y + 14, 'text-anchor': 'end', class: called ? 'strong' : '' }, percent(p)))
    if (names.length === 2 && i === 1 && about?.threshold) {
      g.append(shape('line', { x1: left + span * about.threshold, x2: left + span * about.threshold, y1: y - 3, y2: y + 21, class: 'mark' }))
    }
  })
  return g
}

// inTime chooses the unit in which an axis of time is labelled: what a curve has in days is read in months or years.
export function inTime(limit, unit) {
  const days = { d: 1, wk: 7, mo: 30.4375, a: 365.25 }[unit]
  if (!days) return { factor: 1, name: unit }
  const all = limit * days
  if (all > 3 * 365.25) return { factor: days / 365.25, name: 'years' }
  if (all > 120) return { factor: days / 30.4375, name: 'months' }
  return { factor: days, name: 'days' }
}

// spell is a length of time in the unit that suits it.
export function spell(v, unit) {
  const { factor, name } = inTime(v, unit)
  return `${digits(v * factor)} ${name}`
}

// steps are round numbers from 0 to a limit.
export function steps(limit, most) {
  const rough = limit / most, ten = 10 ** Math.floor(Math.log10(rough))
  const by = [1, 2, 5, 10].map(m => m * ten).find(s => s >= rough)
  const out = []
  for (let i = 0; i * by <= limit * 1.0001; i++) out.push(i * by)
  return out
}

// survival draws the curve as far as it is given, the end of the follow-up, and how many patients of training stood under it.
export function survival(curve, o, about, width) {
  const given = curve.times.map((t, i) => [t, curve.survival[i]]).filter(p => p[1] !== null)
  const follow = about?.follow_up
  const end = Math.max(follow?.limit || 0, ...given.map(p => p[0])) || 1
  const { factor, name } = inTime(end, curve.unit)
  const left = 44, right = 14, top = 12, low = 200, risk = follow?.at_risk?.length ? 44 : 0
  const height = low + 42 + risk
  const x = t => left + (width - left - right) * t / (1.06 * end), y = s => low - (low - top) * s
  const g = figure(width, height, 'Probability of being without the event: ' + given.filter((_, i) => i % 6 === 0 || given.length < 8).map(p => `${percent(p[1])} at ${digits(p[0] * factor)} ${name}`).join(', '))
  for (const s of [0, 0.25, 0.5, 0.75, 1]) {
    g.append(shape('line', { x1: left, x2: width - right, y1: y(s), y2: y(s), class: 'axis' }), shape('text', { x: left - 8, y: y(s) + 4, 'text-anchor': 'end' }, percent(s)))
  }
  for (const t of steps(end * factor, width < 480 ? 5 : 8)) {
    const at = x(t / factor)
    g.append(shape('line', { x1: at, x2: at, y1: low, y2: low + 4, class: 'axis' }), shape('text', { x: at, y: low + 18, 'text-anchor': 'middle' }, digits(t)))
  }
  g.append(shape('text', { x: (left + width - right) / 2, y: low + 34, 'text-anchor': 'middle', class: 'quiet' }, name))
  if (follow?.limit) {
    g.append(shape('rect', { x: x(follow.limit), y: top, width: Math.max(0, width - right - x(follow.limit)), height: low - top, class: 'beyond' }),
      shape('line', { x1: x(follow.limit), x2: x(follow.limit), y1: top, y2: low, class: 'limit' }),
      shape('text', { x: x(follow.limit) - 4, y: top + 12, 'text-anchor': 'end', class: 'quiet' }, 'end of follow-up'))
  }
  if (given.length) {
    let d = given[0][0] === 0 ? '' : `M ${x(0)} ${y(1)} `
    given.forEach(([t, s], i) => { d += `${d === '' && i === 0 ? 'M' : 'L'} ${x(t).toFixed(1)} ${y(s).toFixed(1)} ` })
    g.append(shape('path', { d, class: 'curve' }))
    if (given.length < 12) for (const [t, s] of given) g.append(shape('circle', { cx: x(t), cy: y(s), r: 3.5, class: 'point' }))
  }
  if (o.median !== null && o.median !== undefined) {
    g.append(shape('path', { d: `M ${left} ${y(0.5)} L ${x(o.median)} ${y(0.5)} L ${x(o.median)} ${low}`, class: 'median' }))
  }
  if (risk) {
    g.append(shape('text', { x: left, y: low + 54, class: 'quiet' }, 'training patients at risk'))
    const every = width < 480 ? 5 : 2
    follow.times.forEach((t, i) => {
      if (i % every === 0) g.append(shape('text', { x: x(t), y: low + 72, 'text-anchor': i ? 'middle' : 'start' }, follow.at_risk[i]))
    })
  }
  return g
}

// label is a contribution's feature and value, in as many letters as there is room for: the value stays whole where it can.
function label(v, most = Infinity) {
  const value = v.value === null || v.value === undefined ? '' : ' = ' + (typeof v.value === 'number' ? digits(v.value) : v.value)
  if (v.feature.length + value.length <= most) return v.feature + value
  return value.length < most / 2 ? cut(v.feature, most - value.length) + value : cut(v.feature + value, most)
}

// reach is the least and the greatest number on the way from the base to the output.
export function reach(e) {
  let at = e.base, low = Math.min(at, e.output), high = Math.max(at, e.output)
  for (const v of [...e.values.map(v => v.contribution), e.other || 0]) { at += v; low = Math.min(low, at); high = Math.max(high, at) }
  return [low, high]
}

// waterfall draws the way from the base to the output, on a scale from low to high, of a patient or a lesion. On a narrow page names
// stand over their bars.
export function waterfall(e, what, width, [low, high], whom) {
  const rows = e.values.map(v => [label(v), v.contribution, v.error, v])
  if (e.other) rows.push(['all others', e.other, 0, { feature: 'all others' }])
  const narrow = width < 460
  const each = narrow ? 38 : 24, left = narrow ? 0 : Math.round(0.46 * width), right = 72, top = 26
  const height = top + each * rows.length + 30
  const g = figure(width, height, `From ${digits(e.base)} to ${digits(e.output)} (${what}): ` + rows.map(r => `${r[0]} ${signed(r[1])}`).join('; '))
  const x = v => left + (width - left - right) * (v - low) / ((high - low) || 1)
  const bar = i => top + each * i + (narrow ? 18 : 3) // the top of a row's bar
  // upright draws a line through the rows' bars, and past the names that stand over them.
  const upright = (v, kind) => narrow ? rows.map((_, i) => shape('line', { x1: x(v), x2: x(v), y1: bar(i) - 2, y2: bar(i) + 18, class: kind })) : [shape('line', { x1: x(v), x2: x(v), y1: 18, y2: top + each * rows.length, class: kind })]
  const told = (v, y, kind, text) => {
    const half = 3.4 * text.length
    return shape('text', { x: Math.min(Math.max(x(v), left + half), width - half), y, 'text-anchor': 'middle', class: kind }, text)
  }
  g.append(told(e.base, 12, 'quiet', `base ${digits(e.base)}`), ...upright(e.base, 'axis'))
  let at = e.base
  rows.forEach(([name, v, error, whose], i) => {
    const y = bar(i), from = Math.min(at, at + v)
    const text = shape('text', { x: 0, y: narrow ? y - 4 : y + 13 }, label(whose, Math.floor((narrow ? width : left - 8) / letter)))
    const whole = `${name}: ${signed(v)}${error ? ` ± ${digits(error)}` : ''}`
    text.append(shape('title', {}, whole))
    const box = shape('rect', { x: x(from), y, width: Math.max(1, x(from + Math.abs(v)) - x(from)), height: 16, class: v > 0 ? 'up' : 'down' })
    box.append(shape('title', {}, whole))
    g.append(text, box, shape('text', { x: width, y: y + 13, 'text-anchor': 'end' }, signed(v)))
    at += v
    if (i + 1 < rows.length && !narrow) g.append(shape('line', { x1: x(at), x2: x(at), y1: y + 16, y2: y + each, class: 'link' }))
  })
  g.append(...upright(e.output, 'mark'), told(e.output, height - 8, 'strong', `this ${whom} ${digits(e.output)}`))
  return g
}

// key explains the colours of a waterfall.
export function key(up, down) {
  return el('p', { class: 'key' }, el('span', { class: 'swatch up' }), up + ' ', el('span', { class: 'swatch down' }), down)
}
