// The worklist: what came to be predicted, and what became of it.
import { ask } from './ask.js'
import { age, by, digits, doing, el, percent, short } from './dom.js'
import { session } from './session.js'

const statuses = [['', 'All'], ['waiting', 'Waiting'], ['needs_mask', 'Needs mask'], ['refused', 'Refused'], ['done', 'Done'], ['retracted', 'Taken back']]
const names = Object.fromEntries(statuses)
const signs = { waiting: '◔', needs_mask: '◌', refused: '✕', done: '✓', retracted: '⊘' }
let rows = [], chosen = '', patient = null

// load asks for cases and results, and joins them: a result without a case came by another way.
export async function load() {
  let found
  try {
    if (patient) {
      found = await ask('v1/results/find', patient)
    } else {
      const [c, r] = await Promise.all([ask('v1/cases'), ask('v1/results')])
      found = { cases: c.cases, results: r.results }
    }
  } catch (e) {
    if (e.status !== 404) throw e
    rows = []
    by('worklist-note').textContent = 'No worklist: ' + e.detail + '.'
    tools(true)
    return
  }
  tools(false)
  const results = new Map(found.results.map(r => [r.id, r]))
  rows = found.cases.map(c => ({ ...c, kept: results.get(c.result) }))
  const shown = new Set(found.cases.map(c => c.result))
  for (const r of found.results) if (!shown.has(r.id)) rows.push({ id: r.id, time: r.time, changed: r.changed, source: '', model: r.model, subject: r.subject, status: 'done', result: r.id, kept: r })
  for (const r of rows) if (r.kept?.state === 'entered-in-error') r.status = 'retracted'
  rows.sort((a, b) => b.changed < a.changed ? -1 : b.changed > a.changed ? 1 : 0)
  list()
}

// tools hides the table and what filters it, or shows them.
function tools(hidden) {
  for (const e of [by('cases'), by('statuses'), by('who'), by('words').parentElement]) e.hidden = hidden
}

// headline says in short what was predicted.
function headline(r) {
  if (!r) return el('span', { class: 'quiet', text: '–' })
  if (r.erased) return el('span', { class: 'quiet', text: 'erased' })
  const out = el('span', { class: 'headline' })
  if (r.state === 'entered-in-error') out.append(el('span', { class: 'tag entered-in-error', text: 'entered in error: do not use' }))
  if (r.abstained) out.append(el('span', { class: 'tag refused', text: 'no prediction' }))
  else {
    if (r.lesions) out.append(el('span', { class: 'quiet', text: r.lesions === 1 ? '1 lesion' : `${r.lesions} lesions` }))
    const first = r.lesions ? r.headline.slice(0, 3) : r.headline
    for (const h of first) out.append(el('span', {}, el('span', { class: 'quiet', text: (h.lesion ? h.lesion + ': ' : '') + h.outcome + ' ' }), h.label !== undefined ? `${h.label} (${percent(h.probability)})` : h.risk_group ? h.risk_group + ' risk' : h.risk !== undefined ? `risk ${digits(h.risk)}` : 'no prediction'))
    if (first.length < r.headline.length) out.append(el('span', { class: 'quiet', text: `and ${r.headline.length - first.length} more` }))
  }
  if (r.warnings) out.append(el('span', { class: 'warned', title: `${r.warnings} warnings`, text: `⚠ ${r.warnings}` }))
  if (r.state !== 'preliminary' && r.state !== 'entered-in-error') out.append(el('span', { class: 'tag ' + r.state, text: r.state }))
  return out
}

function list() {
  const words = by('words').value.toLowerCase().split(/\s+/).filter(Boolean)
  const text = r => [r.model, r.subject, r.reason, r.source, session.names.get(r.result)].join(' ').toLowerCase()
  const found = rows.filter(r => words.every(w => text(r).includes(w)))
  by('statuses').replaceChildren(...statuses.map(([code, name]) => {
    const n = code ? found.filter(r => r.status === code).length : found.length
    return el('button', { type: 'button', class: 'chip', 'aria-pressed': String(chosen === code), onclick: e => { chosen = code; list(); by('statuses').children[[...statuses.keys()].find(i => statuses[i][0] === code)].focus() } }, `${name} ${n}`)
  }))
  const shown = found.filter(r => !chosen || r.status === chosen)
  by('cases').tBodies[0].replaceChildren(...shown.map(r => {
    const name = session.names.get(r.result)
    const label = r.subject ? short(r.subject) : '–'
    const link = r.result ? el('a', { href: '#result/' + r.result, text: label }) : el('span', { text: label })
    return el('tr', { class: r.status }, el('td', { 'data-label': 'Status' }, el('span', { class: 'status ' + r.status }, el('span', { 'aria-hidden': 'true', text: signs[r.status] || '' }), ' ', names[r.status] || r.status)),
      el('th', { scope: 'row', 'data-label': 'Case' }, link, name ? el('span', { class: 'local', text: name, title: 'the files on this machine' }) : ''),
      el('td', { 'data-label': 'Model', text: r.model }), el('td', { 'data-label': 'Result' }, headline(r.kept)),
      el('td', { 'data-label': 'Age' }, el('time', { datetime: r.changed, title: new Date(r.changed).toISOString(), text: age(r.changed) })),
      el('td', { 'data-label': 'Reason', class: 'reason', text: r.reason || '' }))
  }))
  by('worklist-note').textContent = shown.length ? `${shown.length} of ${rows.length}. Cases are named by a keyed hash of the patient, never by name.`
    : rows.length ? 'No case with this status and these words.' : patient ? 'Nothing is known of this patient.' : 'Nothing came yet. Drop a study below, or let a poller bring them in.'
}

async function find(e) {
  e.preventDefault()
  if (!by('who-patient').value.trim()) return
  patient = { patient: by('who-patient').value.trim(), issuer: by('who-issuer').value.trim() }
  by('who-clear').hidden = false
  await doing('…', load)
}

// again looks for news once in a while, but not under a person's hands.
function again() {
  if (!document.hidden && !by('worklist').hidden && session.model && !patient && !by('cases').contains(document.activeElement) && !by('statuses').contains(document.activeElement)) load().catch(() => {})
}

export function start() {
  setInterval(again, 30000)
  by('words').addEventListener('input', list)
  by('refresh').addEventListener('click', () => doing('…', load))
  by('who').addEventListener('submit', find)
  by('who-clear').addEventListener('click', () => {
    patient = null
    by('who').reset()
    by('who-clear').hidden = true
    doing('…', load)
  })
}
