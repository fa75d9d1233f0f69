'use strict'
// Figures as SVG elements. Nothing here asks the server.

const svgNS = 'http://www.w3.org/2000/svg'

function shape(name, attributes, text) {
  const e = document.createElementNS(svgNS, name)
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v)
  if (text !== undefined) e.textContent = text
  return e
}

function figure(width, height, label) {
  return shape('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label })
}

function digits(v) {
  return v === null ? '–' : Number(v.toPrecision(3)).toString()
}

// bars of class probabilities.
function drawClasses(probabilities) {
  const names = Object.keys(probabilities)
  const g = figure(480, 26 * names.length + 6, 'Probability of each class: ' + names.map(n => `${n} ${digits(probabilities[n])}`).join(', '))
  names.forEach((n, i) => {
    const y = 6 + 26 * i
    g.append(shape('text', { x: 4, y: y + 14 }, n))
    g.append(shape('rect', { x: 120, y, width: 280 * (probabilities[n] ?? 0), height: 18, class: 'likely' }))
    g.append(shape('text', { x: 406, y: y + 14 }, digits(probabilities[n])))
  })
  return g
}

// the survival curve, as far as it is given.
function drawSurvival(times, survival, unit) {
  const given = times.map((t, i) => [t, survival[i]]).filter(p => p[1] !== null)
  const g = figure(480, 240, 'Survival: ' + given.map(p => `${digits(p[1])} at ${digits(p[0])} ${unit}`).join(', '))
  if (given.length === 0) return g
  const end = given[given.length - 1][0] || 1
  const x = t => 40 + 425 * t / end, y = s => 215 - 200 * s
  for (const s of [0, 0.25, 0.5, 0.75, 1]) {
    g.append(shape('line', { x1: 40, x2: 465, y1: y(s), y2: y(s), class: 'axis' }), shape('text', { x: 6, y: y(s) + 4 }, s))
  }
  for (let i = 0; i <= 4; i++) {
    g.append(shape('text', { x: x(end * i / 4), y: 232, 'text-anchor': i === 4 ? 'end' : 'middle' }, digits(end * i / 4) + (i === 4 ? ' ' + unit : '')))
  }
  let d = `M ${x(0)} ${y(1)}`
  for (const [t, s] of given) d += ` L ${x(t)} ${y(s)}`
  g.append(shape('path', { d, class: 'curve' }))
  return g
}

// the waterfall from the base to the output.
function drawWaterfall(e) {
  const rows = e.values.map(v => [v.feature + (v.value === null ? '' : ' = ' + (typeof v.value === 'number' ? digits(v.value) : v.value)), v.contribution])
  if (e.other) rows.push(['the others', e.other])
  const what = e.class === null ? e.scale : `${e.scale} of ${e.class}`
  const g = figure(640, 22 * rows.length + 44, `From ${digits(e.base)} to ${digits(e.output)} (${what}): ` + rows.map(r => `${r[0]} ${digits(r[1])}`).join('; '))
  let low = Math.min(e.base, e.output), high = Math.max(e.base, e.output), at = e.base
  for (const [, v] of rows) { at += v; low = Math.min(low, at); high = Math.max(high, at) }
  const x = v => 330 + 240 * (v - low) / ((high - low) || 1)
  g.append(shape('text', { x: 4, y: 14 }, `base ${digits(e.base)}`), shape('line', { x1: x(e.base), x2: x(e.base), y1: 4, y2: 22 * rows.length + 22, class: 'axis' }))
  at = e.base
  rows.forEach(([name, v], i) => {
    const y = 20 + 22 * i, from = Math.min(at, at + v)
    g.append(shape('text', { x: 4, y: y + 13 }, name.length > 48 ? name.slice(0, 47) + '…' : name))
    const bar = shape('rect', { x: x(from), y, width: Math.max(1, x(from + Math.abs(v)) - x(from)), height: 16, class: v > 0 ? 'up' : 'down' })
    bar.append(shape('title', {}, `${name}: ${digits(v)}`))
    g.append(bar, shape('text', { x: 576, y: y + 13 }, (v > 0 ? '+' : '') + digits(v)))
    at += v
  })
  g.append(shape('text', { x: 4, y: 22 * rows.length + 36 }, `output ${digits(e.output)} (${what})`))
  return g
}
