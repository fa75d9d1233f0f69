// The view of one kept result: where it stands, what was predicted, the scan, and the two things that a person can do with it.
import { ask } from './ask.js'
import { by, digits, doing, el, moment, percent, short } from './dom.js'
import { show } from './prediction.js'
import { describe, session, words } from './session.js'
import { close, look, seek } from './viewer.js'

const states = { preliminary: 'Preliminary: not verified yet', final: 'Final: verified', amended: 'Amended: a later version replaced it', 'entered-in-error': 'Entered in error: taken back' }

// open shows a kept result.
export async function open(id) {
  const r = await ask('v1/results/' + encodeURIComponent(id))
  await present(r)
}

// answered shows an answer that the server did not keep.
export async function answered(a, name) {
  await present({ id: '', model: a.model, version: a.version, intended_use: a.intended_use, words: a.words, state: '', subject: '', prediction: a.lesions ? null : a.predictions[0], lesions: a.lesions?.map((l, i) => ({ ...l, prediction: a.predictions[i] })), curves: a.curves, scan: a.scan, notes: a.notes, name })
}

async function present(r) {
  close()
  by('use').textContent = r.words || words(r.intended_use)
  const name = r.name || session.names.get(r.id)
  const title = el('h2', { id: 'result-title', text: r.id ? `Case ${short(r.subject)}` : 'Prediction that is not kept' })
  const facts = [el('span', { text: `${r.model} ${short(r.version.replace('sha256:', ''))}` })]
  if (name) facts.unshift(el('span', { class: 'local', text: name, title: 'the file on this machine' }))
  if (r.time) facts.push(el('time', { datetime: r.time, text: moment(r.time) }))
  const bar = [title, ...(r.state ? [el('strong', { class: 'tag ' + r.state, text: states[r.state] || r.state })] : []), el('span', { class: 'facts' }, ...facts)]
  const may = []
  if (r.may_verify && r.current && r.state === 'preliminary') may.push(el('button', { type: 'button', onclick: () => act(r, 'finalise') }, 'Verify…'))
  if (r.may_verify && r.state !== 'entered-in-error' && r.state) may.push(el('button', { type: 'button', onclick: () => act(r, 'retract') }, 'Retract…'))
  if (may.length) bar.push(el('span', { class: 'decide' }, ...may))
  const back = r.state === 'entered-in-error'
  if (back) bar.push(el('p', { class: 'taken-back', role: 'alert' }, el('strong', { text: 'Taken back: do not use. ' }), r.by ? `${r.by}: ${r.reason || 'no reason was given'}. ` : '', 'The prediction, the region and the maps below were entered in error.'))
  by('result-bar').replaceChildren(...bar)
  by('result').classList.toggle('retracted', back)
  const said = []
  if (r.by && !back) said.push(el('p', {}, 'Verified by ', el('strong', { text: r.by })))
  if (r.next) said.push(el('p', { class: 'warning' }, 'A later version replaced this one: ', el('a', { href: '#result/' + r.next, text: 'open it' })))
  if (r.previous) said.push(el('p', {}, el('a', { href: '#result/' + r.previous, text: 'The version before' })))
  for (const d of r.deliveries || []) said.push(el('p', { class: 'quiet', text: `${d.system}: ${d.action === 'write' ? 'written' : 'withdrawn'} ${moment(d.time)}, ${d.accepted ? 'accepted' : 'refused'}${d.detail ? ': ' + d.detail : ''}` }))
  for (const n of r.notes || []) said.push(el('p', { class: 'quiet', text: n }))
  const place = el('div', { id: 'kept' })
  by('result-answer').replaceChildren(...said, place)
  if (r.erased || !r.prediction && !r.lesions) {
    place.append(el('p', { text: 'What this result said was erased.' }))
  } else {
    const model = await describe(r.model, r.version)
    if (r.lesions) lesions(place, r, model)
    else show(place, r.prediction, model, { curves: r.curves || {} })
  }
  if (r.scan) await look(by('scan'), r.scan.id, () => by('scan').append(none(r)))
  else if (!back) by('scan').replaceChildren(none(r))
  by('scan').hidden = false
}

// lesions shows a table of all lesions, and below it each with what contributed. All of them are verified, or taken back, together.
function lesions(place, r, model) {
  const outcomes = Object.keys(r.lesions[0].prediction.outcomes)
  const sections = r.lesions.map((l, i) => el('section', { class: 'lesion', id: `lesion-${i}`, tabindex: '-1' }, el('h2', { text: 'Lesion ' + l.name }), el('p', { class: 'quiet', text: described(l).join(' · ') }), el('div', {})))
  const rows = r.lesions.map((l, i) => el('tr', {},
    el('th', { scope: 'row', 'data-label': 'Lesion' }, el('button', { type: 'button', class: 'link', onclick: () => { seek(l.name); sections[i].focus({ preventScroll: true }); sections[i].scrollIntoView({ block: 'start' }) } }, 'Lesion ' + l.name)),
    el('td', { 'data-label': 'What and where', text: described(l).join(' · ') || '–' }),
    ...outcomes.map(name => el('td', { 'data-label': name, text: inShort(l.prediction, name) })),
    el('td', { 'data-label': 'Warnings', text: l.prediction.warnings.length ? `⚠ ${l.prediction.warnings.length}` : 'none' })))
  const heads = ['Lesion', 'What and where', ...outcomes, 'Warnings'].map(text => el('th', { scope: 'col', text }))
  const one = r.lesions.length === 1
  place.append(el('table', { class: 'cards lesions' }, el('caption', { text: one ? 'One lesion' : `${r.lesions.length} lesions, the largest first` }), el('thead', {}, el('tr', {}, ...heads)), el('tbody', {}, ...rows)))
  if (r.state && !one) place.append(el('p', { class: 'quiet', text: 'They are one result: verified, or taken back, all together.' }))
  place.append(...sections)
  const all = r.lesions.map(l => l.prediction)
  const places = r.lesions.map((l, i) => {
    show(sections[i].lastChild, l.prediction, model, { curves: l.curves || {}, beside: all, whom: 'lesion' })
    return sections[i].lastChild
  })
  place.redraw = () => places.forEach(p => p.redraw())
}

// described are the words of the mask on a lesion, and its volume.
function described(l) {
  const out = []
  if (l.label) out.push(l.label)
  if (l.site && l.site !== l.label) out.push(l.site)
  if (l.volume) out.push(l.volume >= 1000 ? `${digits(l.volume / 1000)} ml` : `${digits(l.volume)} mm³`)
  return out
}

// inShort is what was predicted of an outcome, in a cell.
function inShort(p, name) {
  const o = p.outcomes[name]
  if (p.abstained) return 'no prediction'
  if (o.kind === 'class') return o.label === null ? 'withheld' : `${o.label} (${percent(o.probabilities[o.label])})`
  return o.risk === null ? 'withheld' : o.risk_group ? o.risk_group + ' risk' : `risk ${digits(o.risk)}`
}

// none says why no scan is shown.
function none(r) {
  const kept = session.keep > 0 ? `Images are kept for ${Math.round(session.keep / 60)} min after they were sent, for those who sent them; these are gone, or none were sent.`
    : 'This server keeps no images after the prediction (studies.keep_images), so the scan cannot be shown.'
  return el('p', { class: 'quiet', text: kept })
}

let perform = () => {} // what the dialog was opened for

// act asks who, and why, and does it.
function act(r, what) {
  const back = what === 'retract'
  by('ask-title').textContent = back ? 'Retract this result' : 'Verify this result'
  by('ask-text').textContent = back ? `It becomes “entered in error”${r.lesions?.length > 1 ? ', with all its lesions' : ''}, for good. Systems that it was written to are told.` : `It becomes final: you have looked at the scan, ${r.lesions?.length > 1 ? 'every lesion and what is predicted of each' : 'the region and the prediction'}.`
  by('ask-why').hidden = !back
  by('ask-fault').textContent = ''
  by('ask-do').textContent = back ? 'Retract' : 'Verify'
  perform = async () => {
    try {
      const body = back ? { by: by('ask-by').value, reason: by('ask-reason').value, rejection: by('ask-rejection').value } : { by: by('ask-by').value }
      const changed = await ask(`v1/results/${encodeURIComponent(r.id)}/${what}`, body)
      by('ask').close()
      by('ask-reason').value = ''
      await doing('…', () => present(changed))
    } catch (e) {
      by('ask-fault').textContent = e.message
    }
  }
  by('ask').showModal()
  by('ask-by').focus()
}

export function start() {
  by('ask-form').addEventListener('submit', e => {
    if (e.submitter?.value === 'cancel') return // closes the dialog
    e.preventDefault()
    perform()
  })
}
