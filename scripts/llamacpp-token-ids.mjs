// Records the token ids that llama.cpp gives for a list of strings, as a vectors file for the tokenizer tests.
//
// npm install node-llama-cpp@3.22 --ignore-scripts      (any folder; brings llama.cpp prebuilt)
// node llamacpp-token-ids.mjs NODE_MODULES MODEL.gguf STRINGS.json > vectors.json
//
// STRINGS.json is what tokenizer_strings.py prints. Special tokens inside of the text count as such.
import fs from "node:fs";
import path from "node:path";
import {pathToFileURL} from "node:url";

const [modules, modelPath, stringsFile] = process.argv.slice(2);
if (stringsFile === undefined) {
	console.error("usage: llamacpp-token-ids.mjs NODE_MODULES MODEL.gguf STRINGS.json");
	process.exit(2);
}
const library = path.resolve(modules, "node-llama-cpp");
const {getLlama, LlamaLogLevel} = await import(pathToFileURL(path.join(library, "dist", "index.js")));
const version = JSON.parse(fs.readFileSync(path.join(library, "package.json"))).version;
const llama = await getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error, maxThreads: 1});
const model = await llama.loadModel({modelPath, gpuLayers: 0, vocabOnly: true});
const cases = JSON.parse(fs.readFileSync(stringsFile)).map((text) => ({text, ids: Array.from(model.tokenize(text, true))}));
const head = {model: path.basename(modelPath), made_with: `llama.cpp through node-llama-cpp ${version}`};
const lines = cases.map((entry) => " " + JSON.stringify(entry)).join(",\n");
fs.writeSync(1, JSON.stringify(head).slice(0, -1) + `,"cases":[\n${lines}\n]}\n`);
process.exit(0);
