package io.github.flashspring.cli.bench;

import java.util.List;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * Options of {@code flash bench --kernels}.
 */
@SuppressWarnings("NullAway.Init") // picocli sets options
public final class KernelOptions {

	private static final String WIDTHS = "576,896,960,1152,1536,1600,1856,2048,2688,2880,3072,4096,14336";

	private static final int MAX_WIDTH = 1 << 17;

	private static final int MAX_ROWS = 4096;

	@Option(names = "--kernels",
			description = "Measure instead how many weights linear layers multiply per second, for each format, width"
					+ " (inputs) and number of rows. Needs no model. Matrices of up to 8 million weights follow each other in"
					+ " 256 MiB of weights, so that they come from memory.")
	private boolean kernels;

	@Option(names = "--formats", paramLabel = "LIST", split = ",", defaultValue = KernelFormat.DEFAULT,
			converter = KernelFormat.Converter.class,
			description = "Formats for --kernels: f32, f16, bf16, mxfp4, mxfp8, nvfp4, fp8 (blocks of 128 by 128), or bits"
					+ " with an optional group size and type of scales, such as 4bit-g64 or 4bit-g32-f16."
					+ " Default: ${DEFAULT-VALUE}.")
	private List<KernelFormat> formats;

	@Option(names = "--widths", paramLabel = "LIST", split = ",", defaultValue = WIDTHS,
			description = "Inputs for --kernels. Default: ${DEFAULT-VALUE}.")
	private List<Integer> widths;

	@Option(names = "--rows", paramLabel = "LIST", split = ",", defaultValue = "1,2,4,16,128",
			description = "Rows that --kernels multiplies at once: 1 is decoding, many are a prompt."
					+ " Default: ${DEFAULT-VALUE}.")
	private List<Integer> rows;

	boolean kernels() {
		return this.kernels;
	}

	/**
	 * What is to be measured.
	 * @param device kind of device, or null
	 * @param threads numbers of threads
	 * @param rounds that count
	 * @param seconds longest warm-up of a format
	 * @return the settings
	 * @throws IllegalArgumentException if a number is out of range
	 */
	KernelBench.Settings settings(@Nullable String device, List<Integer> threads, int rounds, double seconds) {
		require("--widths", this.widths, MAX_WIDTH);
		require("--rows", this.rows, MAX_ROWS);
		return new KernelBench.Settings(device, threads, this.formats, this.widths, this.rows, rounds, seconds);
	}

	private static void require(String option, List<Integer> values, int most) {
		for (int value : values) {
			if (value < 1 || value > most) {
				throw new IllegalArgumentException(option + " must be 1 to " + most + ", but is " + value);
			}
		}
	}

}
