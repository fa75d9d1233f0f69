// Holds the OpenAPI document on standard input against the schema that the OpenAPI initiative publishes for its version.
import { Validator } from '@seriousme/openapi-schema-validator';

let text = '';
for await (const piece of process.stdin) text += piece;
const validator = new Validator();
const answer = await validator.validate(JSON.parse(text));
console.log(validator.version, answer.valid, JSON.stringify(answer.errors ?? []));
process.exit(answer.valid ? 0 : 1);
