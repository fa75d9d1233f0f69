// Evaluates the encoders that encoders.py wrote with ONNX Runtime: node encoders.js FOLDER, with onnxruntime-node 1.26.0.
const fs = require('fs');
const ort = require('onnxruntime-node');
(async () => {
  const folder = process.argv[2], all = JSON.parse(fs.readFileSync(folder + '/inputs.json'));
  for (const name of Object.keys(all)) {
    const session = await ort.InferenceSession.create(`${folder}/${name}.onnx`);
    const out = await session.run({ image: new ort.Tensor('float32', Float32Array.from(all[name].values), all[name].shape) });
    const first = out[session.outputNames[0]];
    all[name].outputShape = first.dims;
    all[name].output = Array.from(first.data);
  }
  fs.writeFileSync(folder + '/encoders.json', JSON.stringify(all) + '\n');
  fs.unlinkSync(folder + '/inputs.json');
})();
