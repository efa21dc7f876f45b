// The measuring part of bench-llama-cpp.sh: runs llama.cpp and 'flash bench' in turns, each in a process of its own, and compares medians.
//
// node bench-llama-cpp.mjs NODE_MODULES FLASH --model NAME MODEL.gguf CHECKPOINT [--model ...] [--rounds N] [--threads N,N] [--prompt N] [--tokens N] [--json]
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
compare(...args.slice(0, 2), options(args.slice(2)));

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
	const found = {models: [], rounds: 5, threads: [os.availableParallelism()], prompt: 512, tokens: 64, json: false};
	for (let i = 0; i < list.length; i++) {
		const name = list[i].replace(/^--/, "");
		if (name === "json") {
			found.json = true;
		} else if (name === "model") {
			found.models.push({name: list[++i], gguf: list[++i], checkpoint: list[++i]});
		} else if (name === "threads") {
			found.threads = list[++i].split(",").map(Number);
		} else {
			found[name] = Number(list[++i]);
		}
	}
	return found;
}

/** Each round measures all models at all numbers of threads, llama.cpp and Flash right after each other. */
function compare(modules, flash, {models, rounds, threads, prompt, tokens, json}) {
	const table = json ? console.error : console.log;
	const cases = models.flatMap((model) => threads.map((count) => ({...model, threads: count, theirs: [], ours: []})));
	for (let round = 1; round <= rounds; round++) {
		for (const one of cases) {
			one.theirs.push(run(process.execPath, [own, modules, one.gguf, one.threads, prompt, tokens]));
			one.ours.push(measureFlash(flash, one, prompt, tokens));
			table(`round ${round}, ${one.name}, ${one.threads} threads: llama.cpp prefill ${fixed(one.theirs.at(-1).prefill)}`
				+ ` decode ${fixed(one.theirs.at(-1).decode)}, Flash prefill ${fixed(one.ours.at(-1).prefill)} decode ${fixed(one.ours.at(-1).decode)} tokens/s`);
		}
	}
	const results = cases.map(({name, precision, threads: count, theirs, ours}) => {
		const [llamaCpp, own] = [medians(theirs), medians(ours)];
		return {model: name, precision, threads: count, llamaCpp, flash: own,
			ratio: {prefill: own.prefill / llamaCpp.prefill, decode: own.decode / llamaCpp.decode},
			rounds: ours.map((flash, i) => ({llamaCpp: theirs[i], flash}))};
	});
	table(`\nmedians of ${rounds}, tokens/s: llama.cpp Q4_1, Flash, ratio; Flash's share of the rate of memory`);
	table(`${"model".padEnd(24)} threads    prefill of ${String(prompt).padEnd(5)}                decode                   of memory`);
	for (const {model, threads: count, llamaCpp, flash, ratio} of results) {
		table(`${model.padEnd(24)} ${String(count).padStart(7)} ${columns("prefill", llamaCpp, flash, ratio)}  ${columns("decode", llamaCpp, flash, ratio)} ${fixed(flash.share, 8)}`);
	}
	if (json) {
		console.log(JSON.stringify({promptTokens: prompt, generatedTokens: tokens, results}));
	}
}

function columns(what, llamaCpp, flash, ratio) {
	return `${fixed(llamaCpp[what], 9)} ${fixed(flash[what], 9)} ${fixed(ratio[what], 6)}`;
}

function measureFlash(flash, one, prompt, tokens) {
	const report = run(flash, ["bench", "--model", one.checkpoint, "--budgets", "all", "--rounds", 1, "--threads", one.threads, "--prompt", prompt,
		"--tokens", tokens, "--json"]);
	one.precision = report.model.precision;
	const [{prefillTokensPerSecond, decodeTokensPerSecond, shareOfMemoryRate}] = report.median.budgets;
	return {prefill: prefillTokensPerSecond, decode: decodeTokensPerSecond, memory: report.median.memoryBytesPerSecond, share: shareOfMemoryRate};
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
