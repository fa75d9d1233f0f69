// The view of many patients at once: how predictions are spread, what contributed in how many, and a list from which one is opened.
import { ask } from './ask.js'
import { beeswarm, histogram } from './beeswarm.js'
import { by, digits, doing, el, percent } from './dom.js'
import { spell } from './figures.js'
import * as patient from './patient.js'
import { session } from './session.js'
import { features, patients, value } from './table.js'

// top is how many contributions of each patient are asked for: all of them, but of wide tables, whose answers would be large.
const top = model => model.inputs.length <= 300 ? model.inputs.length : 100
const shownFeatures = 12
const body = 4e6 // characters of a request, about
let all = [] // {name, of, answer}
let stopped = false
const numeric = new Set(['score', 'median', 'warnings'])
let sorted = { by: 'score', down: true }

// open reads a table and predicts its patients, as many at once as a request should hold.
async function open() {
  const file = by('cohort-file').files[0]
  if (!file) return
  const model = session.model, rows = await patients(file)
  stopped = false
  all = []
  by('cohort-said').hidden = true
  by('cohort-bar').hidden = by('cohort-stop').hidden = false
  const faults = []
  try {
    let batch = [], size = 0
    const send = async () => {
      const answer = await ask('v1/models/' + encodeURIComponent(model.name) + '/predict', { patients: batch.map(b => ({ features: b.features })), explain: { top: top(model) } })
      answer.predictions.forEach((p, i) => all.push({ name: batch[i].name, of: batch[i].of, answer: p }))
      batch = []
      size = 0
      by('cohort-bar').value = all.length / rows.length
      by('cohort-note').textContent = `${all.length} of ${rows.length} patients`
    }
    for (const [name, of] of rows) {
      if (stopped || session.model !== model) break
      let f
      try {
        f = features(model, i => value(model, i, of))
        if (Object.keys(f).length === 0) throw new Error('has none of the features that the model reads')
      } catch (e) {
        faults.push(`${name}: ${e.message}`)
        continue
      }
      batch.push({ name, of, features: f })
      size += 40 * Object.keys(f).length
      if (size > body || batch.length >= 100) await send()
    }
    if (batch.length && !stopped) await send()
  } finally {
    by('cohort-bar').hidden = by('cohort-stop').hidden = true
  }
  by('cohort-note').textContent = `${all.length} of ${rows.length} patients predicted${stopped ? ', then stopped' : ''}.` + (faults.length ? ` Left out: ${faults.slice(0, 5).join('; ')}${faults.length > 5 ? ` and ${faults.length - 5} more` : ''}.` : '')
  outcomes()
  redraw()
}

function outcomes() {
  const names = session.model.outcomes.map(o => o.name), was = by('cohort-outcome').value
  by('cohort-outcome').replaceChildren(...names.map(n => el('option', { text: n })))
  if (names.includes(was)) by('cohort-outcome').value = was
  by('cohort-which').hidden = names.length < 2
}

// score is the number by which patients are compared: the probability of the last class, or the risk.
function score(o) {
  if (o.kind === 'class') {
    const names = Object.keys(o.probabilities)
    return o.probabilities[names[names.length - 1]]
  }
  return o.risk
}

// swarm gathers the features that contribute most over all patients. A feature that is not among a patient's largest is no point of it.
function swarm(name) {
  const found = new Map()
  let what = ''
  all.forEach((p, n) => {
    const o = p.answer.outcomes[name]
    const e = o.explanations?.at(-1)
    if (!e || p.answer.abstained) return
    what = e.class === null ? e.scale : `${e.scale} of ${e.class}`
    for (const v of e.values) {
      if (!found.has(v.feature)) found.set(v.feature, [])
      found.get(v.feature).push({ patient: n, amount: v.contribution, value: typeof v.value === 'number' ? v.value : null })
    }
  })
  const inputs = new Map(session.model.inputs.map(i => [i.name, i]))
  const rows = [...found].map(([feature, points]) => ({ feature, points, input: inputs.get(feature), mean: points.reduce((s, p) => s + Math.abs(p.amount), 0) / all.length }))
  rows.sort((a, b) => b.mean - a.mean)
  return { rows: rows.slice(0, shownFeatures), what }
}

export function redraw() {
  if (!all.length || by('cohort').hidden) return
  const name = by('cohort-outcome').value, about = session.model.outcomes.find(o => o.name === name), place = by('cohort-said')
  place.hidden = false
  const width = Math.max(280, Math.min(900, place.clientWidth > 1000 ? (place.clientWidth - 60) / 2 : place.clientWidth - 34))
  const given = all.map(p => p.answer.outcomes[name]).filter(o => score(o) !== null)
  const values = given.map(score), kind = about.kind
  const last = about.classes?.at(-1)
  const marks = kind === 'class' ? (about.classes.length === 2 && about.threshold ? [{ at: about.threshold, text: 'called from here' }] : []) : (about.risk_groups?.cuts || []).map((at, i) => ({ at, text: `${about.risk_groups.names[i]} | ${about.risk_groups.names[i + 1]}` }))
  const counts = new Map()
  for (const o of given) { const k = kind === 'class' ? o.label : o.risk_group || 'risk'; counts.set(k, (counts.get(k) || 0) + 1) }
  const spread = [...counts].map(([k, n]) => `${k}: ${n}`).join(' · ') + (given.length < all.length ? ` · no prediction: ${all.length - given.length}` : '')
  const { rows, what } = swarm(name)
  const said = [el('div', { class: 'panel' }, el('h3', { text: kind === 'class' ? `Probability of ${last}` : 'Risk' }), el('p', { text: spread }),
    values.length ? histogram(values, kind === 'class' ? `probability of ${last}` : 'risk', width, marks, v => marks.length && v >= marks[marks.length - 1].at ? 'up' : 'down', kind === 'class' ? [0, 1] : null) : '')]
  if (rows.length) {
    const few = top(session.model) < session.model.inputs.length && rows.some(r => r.points.length < given.length)
    said.push(el('div', { class: 'panel' }, el('h3', { text: 'Contributed to these estimates' }), beeswarm(rows, what, width, show),
      el('p', { class: 'key' }, 'value: ', el('span', { class: 'ramp', 'aria-hidden': 'true' }), ' low to high among the patients of training', few ? `. A point a patient; where a feature is not among a patient's ${top(session.model)} largest contributions, none.` : '. A point a patient.'),
      el('p', { class: 'quiet', text: 'What the model made of the inputs. It says nothing of what brings a disease about.' })))
  }
  place.replaceChildren(el('div', { class: 'pair' }, ...said), table(name, kind, last))
}

function show(n) {
  doing('…', async () => {
    location.hash = 'patient'
    by('patient').hidden = false
    by('cohort').hidden = true
    await patient.one(all[n].of)
  })
}

// table lists the patients; a heading sorts.
function table(name, kind, last) {
  const columns = [['name', 'Patient', r => r.name], kind === 'class' ? ['label', 'Class', r => r.o.label || ''] : ['label', 'Risk group', r => r.o.risk_group || ''],
    ['score', kind === 'class' ? `Probability of ${last}` : 'Risk', r => score(r.o)], ...(kind === 'class' ? [['set', 'Set', r => (r.o.set || []).join(', ')]] : [['median', 'Median', r => r.o.median]]),
    ['warnings', 'Warnings', r => r.answer.warnings.length]]
  const rows = all.map((p, n) => ({ ...p, n, o: p.answer.outcomes[name] }))
  const key = (columns.find(c => c[0] === sorted.by) || columns[2])[2]
  rows.sort((a, b) => {
    const x = key(a), y = key(b)
    if (x === null || y === null) return (x === null) - (y === null)
    const c = typeof x === 'number' ? x - y : String(x).localeCompare(String(y), undefined, { numeric: true })
    return sorted.down ? -c : c
  })
  const head = el('tr', {}, ...columns.map(([id, text]) => el('th', { scope: 'col', class: numeric.has(id) ? 'number' : '', 'aria-sort': sorted.by === id ? (sorted.down ? 'descending' : 'ascending') : 'none' },
    el('button', { type: 'button', class: 'sort', 'data-by': id, onclick: () => {
      sorted = { by: id, down: sorted.by === id ? !sorted.down : id === 'score' || id === 'warnings' }
      redraw()
      by('cohort-said').querySelector(`[data-by="${id}"]`).focus()
    } }, text, sorted.by === id ? (sorted.down ? ' ▾' : ' ▴') : ''))))
  const cell = (id, v) => {
    if (id === 'score') return kind === 'class' ? percent(v) : digits(v)
    return id === 'median' ? (v === null ? 'not reached' : spell(v, session.model.outcomes.find(o => o.name === name).unit)) : String(v ?? '–')
  }
  return el('div', { class: 'scroll list', tabindex: '0', role: 'region', 'aria-label': 'Patients' }, el('table', {}, el('thead', {}, head), el('tbody', {}, ...rows.map(r => el('tr', {}, ...columns.map(([id, , of]) =>
    id === 'name' ? el('th', { scope: 'row' }, el('button', { type: 'button', class: 'link', onclick: () => show(r.n) }, r.name))
      : el('td', { class: numeric.has(id) ? 'number' : '', text: r.answer.abstained && id !== 'warnings' ? 'no prediction' : cell(id, of(r)) })))))))
}

// reset is for another model.
export function reset() {
  all = []
  by('cohort-said').hidden = true
  by('cohort-file').value = ''
  outcomes()
}

export function start() {
  by('cohort-file').addEventListener('change', () => doing('Predicting…', open))
  by('cohort-outcome').addEventListener('change', redraw)
  by('cohort-stop').addEventListener('click', () => { stopped = true })
}
