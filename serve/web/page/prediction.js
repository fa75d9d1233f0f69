// One patient's prediction, as the server answered it: what is predicted, how sure, what to mind, what contributed.
import { count, digits, el, percent } from './dom.js'
import { classes, inTime, key, reach, spell, survival, waterfall } from './figures.js'

// The codes of warnings that concern the whole prediction come first, and in these words.
const titles = {
  far_from_training: 'Unlike the patients of training', missing_source: 'A whole source is missing', missing_image: 'An image is missing', unseen_spacing: 'Voxel spacing outside training',
  unseen_manufacturer: 'Another manufacturer', unseen_kernel: 'Another kernel', small_mask: 'Small region', low_coverage: 'Few values of a source',
  out_of_range: 'Outside the range of training', unseen_level: 'Level unknown to training', explanation_gap: 'Contributions do not add up',
  beyond_follow_up: 'Beyond the follow-up', missing: 'Missing values',
}
const order = Object.keys(titles)

// rank puts warnings of one code together, the weightiest first.
function rank(warnings) {
  const groups = new Map()
  for (const w of warnings) groups.set(w.code, [...(groups.get(w.code) || []), w])
  const at = code => { const i = order.indexOf(code); return i < 0 ? 0 : i }
  return [...groups].sort((a, b) => at(a[0]) - at(b[0]))
}

// minding shows why there is no prediction, and the warnings. The drawn times of a curve warn of nothing.
export function minding(p, drawn) {
  const out = el('div', { class: 'minding' })
  if (p.abstained) {
    out.append(el('div', { class: 'abstained', role: 'alert' }, el('h3', { text: 'No prediction' }), el('ul', {}, ...p.abstained.map(t => el('li', { text: t })))))
  }
  const warnings = p.warnings.filter(w => !(drawn && w.code === 'beyond_follow_up'))
  if (warnings.length === 0) {
    out.append(el('p', { class: 'quiet', text: 'No warnings: the values lie within what training saw.' }))
    return out
  }
  const list = el('ul', { class: 'warnings' })
  for (const [code, all] of rank(warnings)) {
    const title = el('strong', { text: titles[code] || code })
    if (all.length === 1) {
      list.append(el('li', {}, title, ' ', all[0].message))
      continue
    }
    const fill = code === 'missing' ? 'filled in as in training' : ''
    list.append(el('li', {}, el('details', {}, el('summary', {}, title, ` ${all.length}${fill ? ', ' + fill : ''}`), el('ul', {}, ...all.map(w => el('li', { text: w.message }))))))
  }
  out.append(el('h3', { text: 'Warnings' }), list)
  return out
}

function classOutcome(o, about, width) {
  const out = []
  if (o.label === null) return [el('p', { class: 'withheld', text: 'withheld' })]
  out.push(el('p', { class: 'said' }, el('strong', { text: o.label }), ` with a probability of ${percent(o.probabilities[o.label])}`))
  if (o.set) {
    const level = about?.conformal?.level
    const at = level ? ` (holds the true class in ${percent(level)} of patients like those of training)` : ''
    const text = o.set.length === 0 ? `Set of classes: none. No class fits: the patient is unlike those of training${at}`
      : o.set.length === 1 ? `Set of classes: {${o.set[0]}}${at}` : `Set of classes: {${o.set.join(', ')}}: the model cannot tell them apart here${at}`
    out.push(el('p', { class: o.set.length === 1 ? 'set' : 'set unsure', text }))
  }
  out.push(classes(o, about, width))
  const names = Object.keys(o.probabilities)
  if (names.length === 2 && about?.threshold) out.push(el('p', { class: 'quiet', text: `The mark: ${names[1]} is called from ${percent(about.threshold)} on.` }))
  return out
}

function survivalOutcome(o, about, curve, width) {
  if (o.risk === null) return [el('p', { class: 'withheld', text: 'withheld' })]
  const { factor, name } = inTime(about?.follow_up?.limit || 0, o.unit)
  const median = o.median === null ? 'median not reached within the follow-up' : `median ${spell(o.median, o.unit)}`
  const out = [el('p', { class: 'said' }, o.risk_group ? el('strong', { text: o.risk_group + ' risk' }) : '', `${o.risk_group ? ', ' : ''}${median}`)]
  out.push(survival(curve || { unit: o.unit, times: o.times, survival: o.survival }, o, about, width))
  const stated = (o.stated || o.times.map((t, i) => [t, o.survival[i]])).filter(p => p[1] !== null)
  if (stated.length) {
    out.push(el('p', { class: 'stated' }, 'Without the event: ', ...stated.map(([t, s], i) => el('span', {}, `${i ? ' · ' : ''}${percent(s)} at ${count(t * factor, name)}`))))
  }
  return out
}

// years at which survival is stated beside a curve.
export const years = [1, 2, 3, 5, 10]

// drawnSurvival is an outcome whose times were asked for to draw the curve, whole years among them.
function drawnSurvival(o, about, width) {
  const pairs = o.times.map((t, i) => [t, o.survival[i]]).sort((a, b) => a[0] - b[0])
  const { factor } = inTime(4 * 365.25 / ({ d: 1, wk: 7, mo: 30.4375, a: 365.25 }[o.unit] || 1), o.unit)
  const stated = pairs.filter(([t, s]) => s !== null && years.some(y => Math.abs(t * factor - y) < 1e-9))
  return survivalOutcome({ ...o, stated }, about, { unit: o.unit, times: pairs.map(p => p[0]), survival: pairs.map(p => p[1]) }, width)
}

// together is the scale on which what contributed to one number of an outcome can be compared over predictions: that of all of them.
function together(predictions, outcome, i) {
  const ways = predictions.map(p => p.outcomes[outcome]?.explanations?.[i]).filter(Boolean).map(reach)
  return [Math.min(...ways.map(w => w[0])), Math.max(...ways.map(w => w[1]))]
}

// contributions shows what contributed to one number of an outcome.
function contributions(e, o, width, scale, whom) {
  const what = e.class === null ? e.scale : `${e.scale} of ${e.class}`
  const up = o.kind === 'class' ? `towards ${e.class}` : 'towards a higher risk', down = o.kind === 'class' ? 'away from it' : 'towards a lower risk'
  const exact = `${e.method.replaceAll('_', ' ')}, ${e.exact ? 'exact' : 'not exact'}`
  return el('figure', {}, el('figcaption', {}, el('strong', { text: 'Contributed to this estimate' }), ` (${what}; ${exact})`), waterfall(e, what, width, scale, whom), key(up, down),
    el('p', { class: 'quiet', text: 'What the model made of the inputs. It says nothing of what brings a disease about.' }))
}

// show puts a prediction into a place. about is the model; curves are survival curves for drawing, by outcome; drawn says that the times of
// the prediction itself are for drawing; beside are the predictions that stand beside this one, so that
// bars of all have one scale; whom says what the prediction is of.
export function show(place, p, about, { curves = {}, drawn = false, group = null, beside = [p], whom = 'patient' } = {}) {
  const draw = () => {
    const outcomes = Object.entries(p.outcomes).map(([name, o]) => [name, o, el('article', { class: 'panel outcome' }, el('h3', { text: name }))])
    place.replaceChildren(minding(p, drawn), ...(group ? [group] : []), ...outcomes.map(o => o[2]))
    for (const [name, o, article] of outcomes) { // they have their widths now
      const style = getComputedStyle(article)
      const width = Math.max(280, Math.min(760, Math.floor(article.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight))))
      const of = about?.outcomes?.find(a => a.name === name)
      const body = o.kind === 'class' ? classOutcome(o, of, width) : (drawn ? drawnSurvival(o, of, width) : survivalOutcome(o, of, curves[name], width))
      article.append(...body, ...(o.explanations || []).map((e, i) => contributions(e, o, width, together(beside, name, i), whom)))
    }
  }
  draw()
  place.redraw = draw
}
