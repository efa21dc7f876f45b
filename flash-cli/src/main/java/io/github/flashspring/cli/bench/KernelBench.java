package io.github.flashspring.cli.bench;

import java.io.PrintWriter;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.Devices;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;

/**
 * Measures linear layers of all formats and widths, on the device that a model would
 * compute on. Each round measures all widths of a format one right after the other, so
 * that a change of the processor's clock hits all alike.
 */
final class KernelBench {

	/**
	 * Time without a gain or a compilation after which kernels count as compiled. A
	 * compilation is counted when it ends, which takes up to a second.
	 */
	private static final long STEADY_NANOS = 1_000_000_000;

	private static final double GAIN = 1.03;

	private final Settings settings;

	private final PrintWriter table;

	private final PrintWriter progress;

	/**
	 * Prepares.
	 * @param settings what is measured
	 * @param table gets each line as soon as it is known
	 * @param progress is told what happens
	 */
	KernelBench(Settings settings, PrintWriter table, PrintWriter progress) {
		this.settings = settings;
		this.table = table;
		this.progress = progress;
	}

	KernelReport run() {
		List<KernelReport.Result> results = new ArrayList<>();
		List<String> names = new ArrayList<>();
		KernelReport.printHeader(this.settings.widths(), this.table);
		for (int threads : this.settings.threads()) {
			try (Device device = Devices.open(this.settings.device(), threads)) {
				names.add(device.info().name());
				for (KernelFormat format : this.settings.formats()) {
					for (KernelReport.Result result : run(device, threads, format)) {
						result.print(this.settings.widths(), this.table);
						results.add(result);
					}
				}
			}
		}
		return new KernelReport(names.getFirst(), this.settings.rounds(), results);
	}

	private List<KernelReport.Result> run(Device device, int threads, KernelFormat format) {
		List<Integer> widths = this.settings.widths().stream().filter(format::allows).toList();
		if (widths.isEmpty()) {
			this.progress.println(format.name() + ": allows none of these widths");
			return List.of();
		}
		int mostRows = Collections.max(this.settings.rows());
		long most = widths.stream().mapToLong((width) -> Math.max(width, KernelWeights.outputs(width))).max().orElse(0);
		try (KernelWeights weights = new KernelWeights(device, format, widths);
				Buffer in = device.allocate(mostRows * most * Float.BYTES);
				Buffer out = device.allocate(mostRows * most * Float.BYTES)) {
			device.write(Tensor.floats(in, 0, 1, Math.toIntExact(mostRows * most)),
					activations(Math.toIntExact(mostRows * most)));
			Map<Integer, List<Matrix>> matrices = new LinkedHashMap<>();
			widths.forEach((width) -> matrices.put(width, weights.cut(width)));
			List<List<KernelCase>> cases = this.settings.rows()
				.stream()
				.map((rows) -> widths.stream()
					.map((width) -> new KernelCase(device, matrices.getOrDefault(width, List.of()),
							Tensor.floats(in, 0, rows, width),
							Tensor.floats(out, 0, rows, KernelWeights.outputs(width))))
					.toList())
				.toList();
			warmUp(format, cases);
			return measure(threads, format, widths, cases);
		}
	}

	private static float[] activations(int count) {
		float[] values = new float[count];
		for (int i = 0; i < count; i++) {
			values[i] = (i % 17 - 8) / 8f;
		}
		return values;
	}

	/** Multiplies with few outputs until that becomes no faster, then with all, twice. */
	private void warmUp(KernelFormat format, List<List<KernelCase>> cases) {
		long start = System.nanoTime();
		long end = start + (long) (1e9 * this.settings.seconds());
		double best = Double.MAX_VALUE;
		long compiled = 0;
		long changed = start;
		int rounds = 0;
		for (long now = start; now < end && now - changed < STEADY_NANOS; rounds++) {
			cases.forEach((widths) -> widths.forEach(KernelCase::warmUp));
			double seconds = (System.nanoTime() - now) * 1e-9;
			now = System.nanoTime();
			long millis = compileMillis();
			if (seconds * GAIN < best || millis > compiled) {
				changed = now;
			}
			best = Math.min(best, seconds);
			compiled = millis;
		}
		this.progress.printf("%s: warm-up of %.1f s, %d rounds%n", format.name(), (System.nanoTime() - start) * 1e-9,
				rounds);
		this.progress.flush();
		cases.forEach((widths) -> widths.forEach(KernelCase::measure));
		cases.forEach((widths) -> widths.forEach(KernelCase::measure));
	}

	/** What the JIT compiler has taken until now. */
	private static long compileMillis() {
		CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
		return (compiler != null && compiler.isCompilationTimeMonitoringSupported())
				? compiler.getTotalCompilationTime() : 0;
	}

	private List<KernelReport.Result> measure(int threads, KernelFormat format, List<Integer> widths,
			List<List<KernelCase>> cases) {
		double[][][] rates = new double[cases.size()][widths.size()][this.settings.rounds()];
		for (int round = 0; round < this.settings.rounds(); round++) {
			for (int i = 0; i < cases.size(); i++) {
				for (int j = 0; j < widths.size(); j++) {
					rates[i][j][round] = cases.get(i).get(j).measure();
				}
			}
		}
		List<KernelReport.Result> results = new ArrayList<>();
		for (int i = 0; i < cases.size(); i++) {
			SequencedMap<Integer, Double> medians = new LinkedHashMap<>();
			for (int j = 0; j < widths.size(); j++) {
				medians.put(widths.get(j), BenchReport.median(rates[i][j]));
			}
			results.add(KernelReport.Result.of(threads, format.name(), this.settings.rows().get(i), medians));
		}
		return results;
	}

	/**
	 * What is measured.
	 *
	 * @param device kind of device, or null for the best
	 * @param threads numbers of threads
	 * @param formats of weights
	 * @param widths inputs of matrices
	 * @param rows rows that are multiplied at once
	 * @param rounds that count
	 * @param seconds longest warm-up of a format
	 */
	record Settings(@Nullable String device, List<Integer> threads, List<KernelFormat> formats, List<Integer> widths,
			List<Integer> rows, int rounds, double seconds) {

	}

}
