// What the page holds while it is open, and nowhere else: the chosen model, and the names of files that were dropped here.
import { by, el } from './dom.js'
import { ask } from './ask.js'
import { ready } from './table.js'

export const session = {
  model: null, // as /v1/models/{model} describes it
  names: new Map(), // a result → what its files are called on this machine
  keep: 0, // seconds for which images can be looked at
  answers: new Map(), // answers that the server did not keep, by a number of this page's own
}

// words are what every view says of a model's use.
export const words = use => use === 'research' ? 'For research use only. Not for diagnosis or treatment.' : 'Intended use: ' + use + '.'

// models fills the list, and keeps the choice where it still can be made.
export async function models() {
  const { models } = await ask('v1/models')
  const was = by('model').value
  by('model').replaceChildren(...models.map(m => el('option', { value: m.name, text: m.name })))
  if (models.some(m => m.name === was)) by('model').value = was
  if (models.length === 0) throw new Error('these credentials are for no model')
}

const described = new Map()

// describe is a model by its name and version; an old version that is not served any more is null.
export async function describe(name, version) {
  const at = name + '@' + (version || '')
  if (!described.has(at)) {
    try {
      described.set(at, ready(await ask('v1/models/' + encodeURIComponent(name) + (version ? '/versions/' + encodeURIComponent(version) : ''))))
    } catch (e) {
      if (e.status !== 404 && e.status !== 403) throw e
      return null
    }
  }
  return described.get(at)
}

// choose takes the model of the list.
export async function choose() {
  described.clear()
  session.model = await describe(by('model').value)
  by('use').textContent = words(session.model.intended_use)
}
