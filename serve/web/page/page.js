'use strict'
// The page asks /v1 and keeps what was typed in memory only.

const by = id => document.getElementById(id)
const values = new Map() // feature → what was typed
let model = null, rows = []
const most = 100 // rows of the table of features at once

function el(name, text, className) {
  const e = document.createElement(name)
  if (text !== undefined) e.textContent = text
  if (className) e.className = className
  return e
}

// ask sends a request and throws what a problem says.
async function ask(path, body) {
  const headers = {}
  if (by('key').value) headers['X-API-Key'] = by('key').value
  if (body) headers['Content-Type'] = 'application/json'
  const r = await fetch(path, { method: body ? 'POST' : 'GET', headers, body: body && JSON.stringify(body) })
  const answer = await r.json()
  if (!r.ok) {
    if (r.status === 401) by('keyed').hidden = false
    throw new Error([answer.detail, ...(answer.errors || []).map(e => `${e.pointer}: ${e.detail}`), `id ${answer.id}`].join(' · '))
  }
  return answer
}

// doing runs something and shows how it went.
async function doing(text, f) {
  by('state').className = ''
  by('state').textContent = text
  try {
    await f()
    by('state').textContent = ''
  } catch (e) {
    by('state').className = 'error'
    by('state').textContent = e.message
  }
}

async function start() {
  const { models } = await ask('v1/models')
  by('model').replaceChildren(...models.map(m => el('option', m.name)))
  await choose()
}

async function choose() {
  model = await ask('v1/models/' + encodeURIComponent(by('model').value))
  by('use').textContent = model.intended_use === 'research' ? 'For research use only. Not for diagnosis or treatment.' : 'Intended use: ' + model.intended_use
  by('answer').hidden = true
  list()
}

// list shows the features that the filter lets through.
function list() {
  const words = by('filter').value.toLowerCase()
  const found = model.inputs.filter(i => i.name.toLowerCase().includes(words))
  by('shown').textContent = found.length > most ? `${most} of ${found.length} shown` : `${found.length} shown`
  by('inputs').replaceChildren(...found.slice(0, most).map(input => {
    const row = el('tr'), cell = el('td')
    const name = el('th', input.name + (input.unit ? ` (${input.unit})` : ''))
    name.scope = 'row'
    let field
    if (input.levels) {
      field = el('select')
      field.append(el('option', ''), ...input.levels.map(l => el('option', l)))
    } else {
      field = el('input')
      field.inputMode = 'decimal'
      field.autocomplete = 'off'
    }
    field.setAttribute('aria-label', input.name)
    field.value = values.get(input.name) ?? ''
    field.addEventListener('change', () => values.set(input.name, field.value.trim()))
    cell.append(field)
    const q = input.quantiles
    row.append(name, cell, el('td', q ? `${digits(q[0])} to ${digits(q[q.length - 1])}` : (input.levels || []).join(', ')))
    return row
  }))
}

// parseCSV reads quoted and unquoted fields.
function parseCSV(text) {
  const out = [[]]
  for (const m of text.replace(/^\ufeff/, '').matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    out[out.length - 1].push(m[1] !== undefined ? m[1].replaceAll('""', '"') : m[2])
    if (m[3] === '') break
    if (m[3] !== ',') out.push([])
  }
  return out.filter(r => r.length > 1)
}

// open reads a table or a JSON object of features into rows of [name, features].
async function open() {
  const file = by('file').files[0]
  if (!file) return
  const text = await file.text()
  if (file.name.endsWith('.json')) {
    const v = JSON.parse(text)
    rows = (v.patients || [v]).map((p, i) => [p.id || String(i + 1), p.features || p])
  } else {
    const [header, ...lines] = parseCSV(text)
    rows = lines.map(l => [l[0], Object.fromEntries(header.map((h, i) => [h, l[i]]))])
  }
  by('row').replaceChildren(...rows.map((r, i) => { const o = el('option', r[0]); o.value = i; return o }))
  by('which').hidden = rows.length < 2
  take()
}

// take fills in the chosen row; names may be bare.
function take() {
  const [, features] = rows[by('row').value || 0] || ['', {}]
  values.clear()
  for (const input of model.inputs) {
    const v = features[input.name] ?? features[input.name.slice(input.name.indexOf('.') + 1)]
    if (v !== undefined && v !== null && v !== '') values.set(input.name, String(v))
  }
  list()
}

async function predict() {
  const features = {}
  for (const input of model.inputs) {
    const v = values.get(input.name)
    if (v === undefined || v === '') continue
    features[input.name] = input.levels ? v : Number(v)
    if (!input.levels && !Number.isFinite(features[input.name])) throw new Error(`${input.name}: “${v}” is not a number`)
  }
  const followed = model.outcomes.find(o => o.follow_up && o.follow_up.limit > 0)
  const body = { patients: [{ features }], explain: by('group').value ? { top: 15, group_by: by('group').value } : { top: 15 } }
  if (followed) body.times = Array.from({ length: 61 }, (_, i) => ({ value: followed.follow_up.limit * i / 60, unit: followed.unit }))
  const answer = await ask('v1/models/' + encodeURIComponent(model.name) + '/predict', body)
  show(answer, answer.predictions[0])
}

function show(answer, p) {
  by('warnings').replaceChildren(...(p.abstained || []).map(t => el('p', 'No prediction: ' + t, 'warning')),
    ...p.warnings.filter(w => w.code !== 'missing').map(w => el('p', w.message, 'warning')))
  const missing = p.warnings.filter(w => w.code === 'missing').length
  if (missing) by('warnings').append(el('p', `${missing} features are missing and were filled in as in training`, 'warning'))
  by('outcomes').replaceChildren(...Object.entries(p.outcomes).flatMap(([name, o]) => {
    const out = [el('h3', name)]
    if (o.kind === 'class') {
      out.push(el('p', o.label === null ? 'no prediction' : `${o.label}` + (o.set ? ` · set of classes {${o.set.join(', ')}}` : '')), drawClasses(o.probabilities))
    } else {
      const median = o.median === null ? 'median not reached within the follow-up' : `median ${digits(o.median)} ${o.unit}`
      out.push(el('p', o.risk === null ? 'no prediction' : `${o.risk_group ? o.risk_group + ' risk · ' : ''}${median}`), drawSurvival(o.times, o.survival, o.unit))
    }
    return [...out, ...o.explanations.map(drawWaterfall)]
  }))
  by('version').textContent = `${answer.model} ${answer.version}`
  by('answer').hidden = false
}

by('model').addEventListener('change', () => doing('…', choose))
by('key').addEventListener('change', () => doing('…', start))
by('filter').addEventListener('input', list)
by('file').addEventListener('change', () => doing('…', open))
by('row').addEventListener('change', take)
by('group').addEventListener('change', () => doing('…', predict))
by('go').addEventListener('click', () => doing('…', predict))
doing('…', start)
