// The view of one patient whose features are typed in or taken from a table.
import { ask } from './ask.js'
import { breakable, by, digits, doing, el } from './dom.js'
import { inTime } from './figures.js'
import { show, years } from './prediction.js'
import { session } from './session.js'
import { features, patients, value } from './table.js'

const values = new Map() // feature → what was typed
const most = 100 // rows of the table of features at once
let rows = []

// list shows the features that the filter lets through.
export function list() {
  const words = by('filter').value.toLowerCase()
  const found = session.model.inputs.filter(i => i.name.toLowerCase().includes(words))
  by('shown').textContent = found.length > most ? `${most} of ${found.length} shown` : `${found.length} shown`
  by('inputs').replaceChildren(...found.slice(0, most).map(input => {
    const name = el('th', { scope: 'row' }, ...breakable(input.name), input.unit ? ` (${input.unit})` : '')
    const field = input.levels ? el('select', {}, el('option'), ...input.levels.map(l => el('option', { text: l }))) : el('input', { inputmode: 'decimal', autocomplete: 'off' })
    field.setAttribute('aria-label', input.name)
    field.value = values.get(input.name) ?? ''
    field.addEventListener('change', () => { values.set(input.name, field.value.trim()); mark(input, field) })
    mark(input, field)
    const q = input.quantiles
    return el('tr', {}, name, el('td', {}, field), el('td', { class: 'quiet', text: q ? `${digits(q[0])} to ${digits(q[q.length - 1])}` : (input.levels || []).join(', ') }))
  }))
}

// mark shows that a value lies outside the range of training, before anything is sent.
function mark(input, field) {
  const q = input.quantiles, v = Number(field.value)
  field.classList.toggle('outside', Boolean(q && field.value !== '' && Number.isFinite(v) && (v < q[0] || v > q[q.length - 1])))
}

async function open() {
  const file = by('file').files[0]
  if (!file) return
  rows = await patients(file)
  by('row').replaceChildren(...rows.map((r, i) => el('option', { value: i, text: r[0] })))
  by('which').hidden = rows.length < 2
  take()
}

// take fills in the chosen row.
function take() {
  fill(rows[by('row').value || 0]?.[1] || (() => undefined))
}

// fill takes the values of a row.
function fill(of) {
  values.clear()
  for (const input of session.model.inputs) {
    const v = value(session.model, input, of)
    if (v !== '') values.set(input.name, v)
  }
  by('answer').hidden = true
  list()
}

// choosing how contributions are summed asks again.
function grouping() {
  const pick = el('select', { id: 'group' }, el('option', { value: '', text: 'feature' }), el('option', { value: 'source', text: 'source' }), el('option', { value: 'group', text: 'group' }),
    el('option', { value: 'family', text: 'family of radiomics' }))
  pick.value = grouped
  pick.addEventListener('change', () => { grouped = pick.value; doing('…', predict) })
  return el('p', {}, el('label', {}, 'Contributions by ', pick))
}
let grouped = ''

export async function predict() {
  const model = session.model
  const explain = grouped ? { top: 15, group_by: grouped } : { top: 15 }
  const body = { patients: [{ features: features(model, i => values.get(i.name)) }], explain }
  const followed = model.outcomes.find(o => o.follow_up && o.follow_up.limit > 0)
  if (followed) {
    const { factor, name } = inTime(followed.follow_up.limit, followed.unit)
    const end = followed.follow_up.limit * (name === 'years' ? factor : name === 'months' ? factor / 12 : factor / 365.25)
    body.times = [...Array.from({ length: 61 }, (_, i) => ({ value: followed.follow_up.limit * i / 60, unit: followed.unit })), ...years.filter(y => y <= end).map(value => ({ value, unit: 'a' }))]
  }
  const answer = await ask('v1/models/' + encodeURIComponent(model.name) + '/predict', body)
  by('answer').hidden = false
  const place = el('div', { id: 'prediction' })
  by('answer').replaceChildren(el('h2', { text: 'Prediction' }), place, el('p', { class: 'quiet version', text: `${answer.model} ${answer.version}` }))
  show(place, answer.predictions[0], model, { drawn: true, group: grouping() })
}

// one opens a patient of a cohort: its values and its prediction.
export async function one(of) {
  rows = []
  by('which').hidden = true
  by('file').value = ''
  fill(of)
  await predict()
}

// reset is for another model.
export function reset() {
  by('answer').hidden = true
  if (rows.length) take()
  else list()
}

export function start() {
  by('filter').addEventListener('input', list)
  by('file').addEventListener('change', () => doing('…', open))
  by('row').addEventListener('change', take)
  by('go').addEventListener('click', () => doing('Predicting…', predict))
}
