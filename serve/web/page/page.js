// The page: which view is shown, and for which model.
import { ask } from './ask.js'
import { by, doing, el } from './dom.js'
import * as cohort from './cohort.js'
import * as patient from './patient.js'
import * as result from './result.js'
import { choose, models, session, words } from './session.js'
import * as upload from './upload.js'
import * as viewer from './viewer.js'
import * as worklist from './worklist.js'

const views = ['worklist', 'patient', 'result', 'cohort']

// route shows the view that the address names. Addresses hold identifiers that say nothing.
async function route() {
  if (!session.model) return
  const [name, id] = location.hash.slice(1).split('/')
  const view = name === 'answer' ? 'result' : views.includes(name) ? name : 'worklist'
  if (view !== 'result') {
    viewer.close()
    by('use').textContent = words(session.model.intended_use)
  }
  for (const v of views) by(v).hidden = v !== view
  for (const a of document.querySelectorAll('nav a')) {
    const at = a.hash.slice(1)
    if (at === view || at === 'worklist' && view === 'result') a.setAttribute('aria-current', 'page')
    else a.removeAttribute('aria-current')
  }
  if (view === 'worklist') await worklist.load()
  if (view === 'cohort') cohort.redraw()
  if (name === 'result' && id) await result.open(id)
  if (name === 'answer') {
    const kept = session.answers.get(id)
    if (kept) await result.answered(kept.answer, kept.name)
    else by('result-bar').replaceChildren(el('h2', { id: 'result-title', text: 'This prediction was not kept, and is gone' }))
  }
}

async function start() {
  await models()
  session.keep = (await ask('v1/scans')).keep
  await chosen()
}

async function chosen() {
  await choose()
  patient.reset()
  cohort.reset()
  upload.keeping()
  await route()
}

// Figures are drawn for the width of their place.
let resizing
window.addEventListener('resize', () => {
  clearTimeout(resizing)
  resizing = setTimeout(() => {
    for (const id of ['prediction', 'kept']) by(id)?.redraw?.()
    cohort.redraw()
    viewer.redraw()
  }, 150)
})
window.addEventListener('hashchange', () => doing('…', async () => { await route(); by('main').focus({ preventScroll: true }); window.scrollTo(0, 0) }))
by('model').addEventListener('change', () => doing('…', chosen))
by('key').addEventListener('change', () => doing('…', start))
for (const part of [patient, worklist, upload, cohort, result]) part.start()
doing('…', start)
