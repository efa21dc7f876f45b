package io.github.flashspring.cli.bench;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.regex.Pattern;

/**
 * Runs this command line in a fresh JVM that is started as this one was: with its
 * options, an AOT cache among them.
 */
final class FreshJvm {

	private static final String MAIN = "io.github.flashspring.cli.FlashCommand";

	/** What a second JVM must not do as well: write a cache, or wait for a debugger. */
	private static final Pattern OWN = Pattern
		.compile("-XX:AOT(CacheOutput|Mode|Configuration)=.*|-agentlib:.*|-Xrun.*|-javaagent:.*");

	private static final Duration SAMPLES = Duration.ofMillis(5);

	private FreshJvm() {
	}

	/**
	 * The command that starts one.
	 * @param arguments of the command line
	 * @return program and arguments
	 */
	static List<String> command(List<String> arguments) {
		List<String> command = new ArrayList<>();
		command.add(ProcessHandle.current()
			.info()
			.command()
			.orElseGet(() -> System.getProperty("java.home") + File.separator + "bin" + File.separator + "java"));
		ManagementFactory.getRuntimeMXBean()
			.getInputArguments()
			.stream()
			.filter((option) -> !OWN.matcher(option).matches())
			.forEach(command::add);
		command.addAll(List.of("-cp", System.getProperty("java.class.path"), MAIN));
		command.addAll(arguments);
		return command;
	}

	/**
	 * Starts one and waits for its end.
	 * @param arguments of the command line
	 * @return what it printed and took
	 * @throws IOException if it cannot be started, or fails
	 */
	static Run run(List<String> arguments) throws IOException {
		Instant start = Instant.now();
		Process process = new ProcessBuilder(command(arguments)).redirectError(Redirect.INHERIT).start();
		process.getOutputStream().close();
		NavigableMap<Instant, Duration> samples = new ConcurrentSkipListMap<>(Map.of(start, Duration.ZERO));
		Thread sampler = Thread.ofPlatform().daemon().name("cpu-time").start(() -> sample(process, samples));
		try (BufferedReader reader = process.inputReader()) {
			String last = reader.lines().reduce("", (before, line) -> line);
			int code = process.waitFor();
			Instant end = Instant.now();
			sampler.join();
			if (code != 0) {
				throw new IOException("The fresh JVM ended with exit code " + code + "; its error is above");
			}
			return new Run(start, end, samples, last);
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			throw new IOException("Interrupted while waiting for a fresh JVM", ex);
		}
		finally {
			process.destroy();
		}
	}

	private static void sample(Process process, NavigableMap<Instant, Duration> samples) {
		try {
			do {
				process.info().totalCpuDuration().ifPresent((cpu) -> samples.put(Instant.now(), cpu));
			}
			while (!process.waitFor(SAMPLES));
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
		}
	}

	/**
	 * A JVM that has ended.
	 *
	 * @param start when it was started
	 * @param end when it had ended
	 * @param cpu CPU time in user and kernel mode until some moments
	 * @param output the last line of its standard output
	 */
	record Run(Instant start, Instant end, NavigableMap<Instant, Duration> cpu, String output) {

		double secondsUntil(Instant moment) {
			return Duration.between(this.start, moment).toNanos() * 1e-9;
		}

		/** CPU time, as sampled last before the moment. */
		double cpuSecondsUntil(Instant moment) {
			return this.cpu.floorEntry(moment).getValue().toNanos() * 1e-9;
		}

	}

}
