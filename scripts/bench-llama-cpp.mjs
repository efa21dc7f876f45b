// The measuring part of bench-llama-cpp.sh: runs llama.cpp and 'flash bench' in turns, each in a process of its own, and compares medians.
//
// node bench-llama-cpp.mjs NODE_MODULES FLASH MODEL.gguf CHECKPOINT [--rounds N] [--threads N] [--prompt N] [--tokens N] [--json]
// node bench-llama-cpp.mjs NODE_MODULES MODEL.gguf THREADS PROMPT TOKENS     measures llama.cpp once and prints JSON
import {spawnSync} from "node:child_process";
import os from "node:os";
import path from "node:path";
import {fileURLToPath, pathToFileURL} from "node:url";

const own = fileURLToPath(import.meta.url);
const args = process.argv.slice(2);

if (args.length === 5 && /^\d+$/.test(args[2])) {
	console.log(JSON.stringify(await llamaCpp(args[0], args[1], ...args.slice(2).map(Number))));
	process.exit(0);
}
compare(...args.slice(0, 4), options(args.slice(4)));

/** Measures llama.cpp: a round to warm up, then one that counts. */
async function llamaCpp(modules, modelPath, threads, promptTokens, tokens) {
	const library = path.resolve(modules, "node-llama-cpp");
	const {getLlama, LlamaLogLevel} = await import(pathToFileURL(path.join(library, "dist", "index.js")));
	const llama = await getLlama({gpu: false, build: "never", skipDownload: true, progressLogs: false,
		logLevel: LlamaLogLevel.error, maxThreads: threads});
	const model = await llama.loadModel({modelPath, gpuLayers: 0});
	const context = await model.createContext({contextSize: promptTokens + tokens + 8, batchSize: promptTokens, threads});
	const sequence = context.getSequence();
	const prompt = Array.from({length: promptTokens}, (_, i) => 300 + (i * 7919) % 31000);
	let figures;
	for (const round of ["warm-up", "counts"]) {
		await sequence.clearHistory();
		const start = performance.now();
		await sequence.evaluateWithoutGeneratingNewTokens(prompt);
		const prefill = promptTokens / (performance.now() - start) * 1000;
		await sequence.clearHistory();
		let first = 0;
		let last = 0;
		let count = 0;
		for await (const _ of sequence.evaluate(prompt.slice(0, 8), {temperature: 0, yieldEogToken: true})) {
			last = performance.now();
			first ||= last;
			if (++count === tokens) {
				break;
			}
		}
		figures = {round, prefill, decode: (count - 1) / (last - first) * 1000};
	}
	return {prefill: figures.prefill, decode: figures.decode};
}

function options(list) {
	const found = {rounds: 5, threads: os.availableParallelism(), prompt: 512, tokens: 64, json: false};
	for (let i = 0; i < list.length; i++) {
		const name = list[i].replace(/^--/, "");
		found[name] = (name === "json") ? true : Number(list[++i]);
	}
	return found;
}

function compare(modules, flash, gguf, checkpoint, {rounds, threads, prompt, tokens, json}) {
	const table = json ? console.error : console.log;
	const theirs = [];
	const ours = [];
	let model;
	for (let round = 1; round <= rounds; round++) {
		theirs.push(run(process.execPath, [own, modules, gguf, threads, prompt, tokens]));
		const report = run(flash, ["bench", "--model", checkpoint, "--budgets", "all", "--rounds", 1, "--threads", threads, "--prompt", prompt,
			"--tokens", tokens, "--json"]);
		model = report.model;
		const [{prefillTokensPerSecond, decodeTokensPerSecond, shareOfMemoryRate}] = report.median.budgets;
		ours.push({prefill: prefillTokensPerSecond, decode: decodeTokensPerSecond,
			memory: report.median.memoryBytesPerSecond, share: shareOfMemoryRate});
		table(`round ${round}: llama.cpp prefill ${fixed(theirs.at(-1).prefill)} decode ${fixed(theirs.at(-1).decode)},`
			+ ` Flash prefill ${fixed(ours.at(-1).prefill)} decode ${fixed(ours.at(-1).decode)} tokens/s`);
	}
	const result = {threads, promptTokens: prompt, generatedTokens: tokens, rounds: ours.map((flash, i) => ({llamaCpp: theirs[i], flash})),
		llamaCpp: medians(theirs), flash: medians(ours)};
	result.ratio = {prefill: result.flash.prefill / result.llamaCpp.prefill, decode: result.flash.decode / result.llamaCpp.decode};
	table(`\nmedians of ${rounds}, ${threads} threads    llama.cpp Q4_1    Flash ${model.precision}    ratio`);
	table(`prefill of ${prompt}, tokens/s ${fixed(result.llamaCpp.prefill, 20)} ${fixed(result.flash.prefill, 20)} ${fixed(result.ratio.prefill, 12)}`);
	table(`decode, tokens/s         ${fixed(result.llamaCpp.decode, 20)} ${fixed(result.flash.decode, 20)} ${fixed(result.ratio.decode, 12)}`);
	table(`Flash went through its weights at ${fixed(result.flash.share)} of the rate of memory, ${fixed(result.flash.memory * 1e-9)} GB/s`);
	if (json) {
		console.log(JSON.stringify(result));
	}
}

function run(command, list) {
	const done = spawnSync(command, list.map(String), {encoding: "utf8", maxBuffer: 1 << 26});
	if (done.error || done.status !== 0) {
		console.error(`bench-llama-cpp: ${command} ${list.join(" ")} failed: ${done.error ?? done.stderr}`);
		process.exit(1);
	}
	return JSON.parse(done.stdout.trim().split("\n").at(-1));
}

function medians(rounds) {
	return Object.fromEntries(Object.keys(rounds[0]).map((key) => [key, median(rounds.map((round) => round[key]))]));
}

function median(values) {
	const sorted = values.toSorted((a, b) => a - b);
	const middle = sorted.length >> 1;
	return (sorted.length % 2 === 1) ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function fixed(value, width = 0) {
	return value.toFixed(2).padStart(width);
}
