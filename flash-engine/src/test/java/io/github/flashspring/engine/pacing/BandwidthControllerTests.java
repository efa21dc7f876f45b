package io.github.flashspring.engine.pacing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

import io.github.flashspring.engine.metrics.PacingMetrics;
import io.github.flashspring.engine.pacing.SimulatedMachine.Result;
import io.github.flashspring.engine.pacing.SimulatedMachine.Settings;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

/**
 * Runs the controller on a simulated disk and computer whose rates are known, and
 * compares what it achieves with the computed optimum.
 */
class BandwidthControllerTests {

	private static final double MILLI = 1e6;

	private static final double UNLIMITED = Double.POSITIVE_INFINITY;

	private static final long MIB = 1 << 20;

	private static final double DISK = 1000 * MIB;

	@ParameterizedTest
	@ValueSource(doubles = { 1.1, 1.5, 4 })
	void costsNothingWhereTheDiskIsTheBottleneck(double diskOverCompute) {
		Settings settings = settings(32, 16 * MIB, 16.0 / diskOverCompute, 0.1);
		SimulatedMachine machine = new SimulatedMachine(settings, 0.05);
		machine.run(12, 1);
		Result held = machine.run(20, 1);
		SimulatedMachine free = new SimulatedMachine(settings, UNLIMITED);
		free.run(12, 1);
		Result unheld = free.run(20, 1);
		// The optimum: the disk never rests.
		assertThat(held.pass()).isCloseTo(settings.diskNanos(), within(0.02 * settings.diskNanos()));
		assertThat(held.pass()).isLessThanOrEqualTo(unheld.pass() * 1.002);
	}

	@ParameterizedTest
	@ValueSource(doubles = { 0.2, 0.5, 0.8 })
	void everyReadArrivesInTimeWhereComputingIsTheBottleneck(double diskOverCompute) {
		Settings settings = settings(32, 16 * MIB, 16.0 / diskOverCompute, 0.05);
		SimulatedMachine machine = new SimulatedMachine(settings, 0.05);
		machine.run(20, 1);
		Result result = machine.run(50, 1);
		// While the disk works, computing is slower by the interference, whenever that
		// is.
		double optimum = settings.computeNanos() + settings.diskNanos() * (1 - 1 / 1.05);
		assertThat(result.pass()).isCloseTo(optimum, within(0.005 * optimum));
		assertThat(result.stall()).isLessThan(0.001 * optimum);
		assertThat(result.compute() / settings.computeNanos() - 1).isLessThan(0.05);
		PacingMetrics metrics = machine.controller().snapshot();
		assertThat(metrics.degradation()).isCloseTo(result.compute() / settings.computeNanos() - 1, within(0.005));
		assertThat(metrics.diskBytesPerSecond()).isCloseTo(DISK, within(0.02 * DISK));
	}

	@ParameterizedTest
	@ValueSource(doubles = { 0.2, 0.5, 0.7 })
	void pacingDoesNotMakeReadsLate(double diskOverCompute) {
		Settings settings = settings(32, 16 * MIB, 16.0 / diskOverCompute, 0.4);
		SimulatedMachine machine = new SimulatedMachine(settings, 0.05);
		machine.run(20, 1);
		Result result = machine.run(50, 1);
		double optimum = settings.computeNanos() + settings.diskNanos() * (1 - 1 / 1.4);
		assertThat(result.pass()).isCloseTo(optimum, within(0.01 * optimum));
		assertThat(result.stall()).isLessThan(0.002 * optimum);
		assertThat(machine.controller().snapshot().sleeps()).isPositive();
	}

	@Test
	void holdsBackReadersThatNoLayerWaitsFor() {
		Settings settings = new Settings(filled(32, 5 * MILLI), new long[32], 4 * MIB, 0, 4, DISK, 0.2, true);
		SimulatedMachine free = new SimulatedMachine(settings, UNLIMITED);
		Result unheld = free.run(50, 1);
		assertThat(unheld.compute() / settings.computeNanos() - 1).isCloseTo(0.2, within(0.001));
		SimulatedMachine machine = new SimulatedMachine(settings, 0.05);
		machine.run(40, 1);
		long before = machine.backgroundBytes();
		Result held = machine.run(100, 1);
		assertThat(held.compute() / settings.computeNanos() - 1).isBetween(0.025, 0.05);
		assertThat(machine.controller().snapshot().degradation()).isBetween(0.025, 0.05);
		assertThat(machine.controller().snapshot().sleepNanos()).isPositive();
		// With 5 % the disk may be busy for 28 % of the time: the reader is not starved.
		double rate = (machine.backgroundBytes() - before) / (held.pass() * 100 / 1e9);
		assertThat(rate / DISK).isBetween(0.15, 0.29);
	}

	@Test
	void readersAreFreeBetweenPasses() {
		Settings settings = new Settings(filled(8, 5 * MILLI), new long[8], 4 * MIB, 0, 4, DISK, 0.2, true);
		SimulatedMachine machine = new SimulatedMachine(settings, 0.05);
		machine.run(50, 1);
		long before = machine.backgroundBytes();
		machine.idle(1);
		// But for what their last sleep takes.
		assertThat((double) machine.backgroundBytes() - before).isCloseTo(DISK, within(0.03 * DISK));
	}

	@Test
	void aPassMeasuresLayersAloneWhenTheyAreWarm() {
		Settings settings = settings(16, 16 * MIB, 10, 0.3);
		SimulatedMachine machine = new SimulatedMachine(settings, 0.05);
		machine.run(8, 1);
		assertThat(machine.controller().snapshot().baselineNanos()).isZero();
		Result cold = machine.run(1, 1);
		assertThat(cold.compute()).isCloseTo(settings.computeNanos(), within(100.0));
		assertThat((double) machine.controller().snapshot().baselineNanos()).isCloseTo(settings.computeNanos(),
				within(100.0));
		Result after = machine.run(1, 1);
		assertThat(after.compute()).isGreaterThan(1.2 * settings.computeNanos());
	}

	@Test
	void passesOfEachKindAreMeasuredOnceTheyAreWarm() {
		for (int rows : new int[] { 1, 2, 7 }) {
			assertThat(coldStarts(rows, false)).containsExactly(9);
			assertThat(coldStarts(rows, true)).as("in vain").containsExactly(9, 10);
		}
		assertThat(coldStarts(8, true)).as("prefill is not delayed").isEmpty();
		assertThat(coldStarts(512, true)).isEmpty();
	}

	/** Numbers of the passes that are measured. */
	private static List<Integer> coldStarts(int rows, boolean disturbed) {
		BandwidthController controller = new BandwidthController(() -> 0, 0.05, MIB, new long[2]);
		List<Integer> cold = new ArrayList<>();
		for (int pass = 1; pass <= 30; pass++) {
			controller.beginPass(rows);
			if (controller.coldStart()) {
				cold.add(pass);
				assertThat(controller.pauseNanos(1, 1)).as("reads ahead rest").isPositive();
				assertThat(controller.pauseNanos(1)).isPositive();
			}
			controller.computed(0, 1000, disturbed || !controller.coldStart());
			controller.computed(1, 1000, disturbed || !controller.coldStart());
			controller.endPass();
		}
		return cold;
	}

	@ParameterizedTest
	@ValueSource(doubles = { 0, 0.02, 0.035 })
	void readersAreFreeWhereTheyHardlyDisturb(double interference) {
		Settings settings = new Settings(filled(16, 5 * MILLI), new long[16], 4 * MIB, 0, 4, DISK, interference, true);
		SimulatedMachine machine = new SimulatedMachine(settings, 0.05);
		machine.run(60, 1);
		long before = machine.backgroundBytes();
		Result result = machine.run(200, 1);
		double rate = (machine.backgroundBytes() - before) / (result.pass() * 200 / 1e9);
		assertThat(rate / DISK).isGreaterThan(0.9);
		assertThat(machine.controller().snapshot().paceBytesPerSecond()).isInfinite();
		assertThat(machine.controller().snapshot().degradation()).isCloseTo(interference, within(0.003));
	}

	@ParameterizedTest
	@CsvSource({ "0.1, 0", "0.1, 0.02", "0.2, 0.05" })
	void noiseIsNotTakenForDisturbance(double deviation, double interruptions) {
		Settings settings = new Settings(filled(16, 5 * MILLI), new long[16], 4 * MIB, 0, 4, DISK, 0, true);
		SimulatedMachine machine = new SimulatedMachine(settings, 0.05);
		machine.noise(deviation, interruptions);
		machine.run(60, 1);
		int held = 0;
		long before = machine.backgroundBytes();
		double nanos = 0;
		for (int pass = 0; pass < 1000; pass++) {
			nanos += machine.run(1, 1).pass();
			held += Double.isFinite(machine.controller().snapshot().paceBytesPerSecond()) ? 1 : 0;
		}
		assertThat(held).isLessThan(100);
		assertThat((machine.backgroundBytes() - before) / (nanos / 1e9) / DISK).isGreaterThan(0.85);
	}

	@ParameterizedTest
	@CsvSource({ "0.1, 0", "0.1, 0.02" })
	void findsThePaceInNoise(double deviation, double interruptions) {
		Settings settings = new Settings(filled(32, 5 * MILLI), new long[32], 4 * MIB, 0, 4, DISK, 0.2, true);
		SimulatedMachine machine = new SimulatedMachine(settings, 0.05);
		machine.noise(deviation, interruptions);
		SimulatedMachine alone = new SimulatedMachine(
				new Settings(filled(32, 5 * MILLI), new long[32], 4 * MIB, 0, 4, DISK, 0, false), 0.05);
		alone.noise(deviation, interruptions);
		machine.run(300, 1);
		alone.run(300, 1);
		long before = machine.backgroundBytes();
		Result held = machine.run(1000, 1);
		double longer = held.compute() / alone.run(1000, 1).compute() - 1;
		assertThat(longer).isBetween(0.02, 0.05);
		assertThat((machine.backgroundBytes() - before) / (held.pass() * 1000 / 1e9) / DISK).isBetween(0.12, 0.3);
	}

	@ParameterizedTest
	@ValueSource(doubles = { 0.002, -0.002 })
	void machinesThatBecomeSlowerOrFasterAreNotTakenForDisturbance(double perPass) {
		Settings settings = new Settings(filled(16, 5 * MILLI), new long[16], 4 * MIB, 0, 4, DISK, 0, true);
		SimulatedMachine machine = new SimulatedMachine(settings, 0.05);
		machine.noise(0.05, 0);
		machine.run(30, 1);
		machine.drift(perPass);
		int held = 0;
		for (int pass = 0; pass < 400; pass++) {
			machine.run(1, 1);
			held += Double.isFinite(machine.controller().snapshot().paceBytesPerSecond()) ? 1 : 0;
		}
		assertThat(held).as("passes in which reads were held back").isLessThan(20);
	}

	@Test
	void holdsReadsBackOnceTheyDisturbAndLetsThemGoAgain() {
		Settings settings = new Settings(filled(32, 5 * MILLI), new long[32], 4 * MIB, 0, 4, DISK, 0.2, true);
		SimulatedMachine machine = new SimulatedMachine(settings, 0.05);
		machine.interference(0);
		machine.run(100, 1);
		assertThat(machine.controller().snapshot().paceBytesPerSecond()).isInfinite();
		machine.interference(0.2);
		machine.run(250, 1);
		assertThat(machine.controller().snapshot().paceBytesPerSecond()).isBetween(0.1 * DISK, 0.4 * DISK);
		machine.interference(0);
		machine.run(150, 1);
		assertThat(machine.controller().snapshot().paceBytesPerSecond()).isInfinite();
	}

	@Test
	void aBaselineOfColdCodeIsCorrected() {
		Settings settings = new Settings(filled(32, 5 * MILLI), new long[32], 4 * MIB, 0, 4, DISK, 0, true);
		SimulatedMachine machine = new SimulatedMachine(settings, 0.05);
		machine.workFactor(10);
		machine.run(12, 1);
		machine.workFactor(1);
		machine.run(300, 1);
		assertThat((double) machine.controller().snapshot().baselineNanos()).isCloseTo(settings.computeNanos(),
				within(0.5 * settings.computeNanos()));
		assertThat(machine.controller().snapshot().degradation()).isCloseTo(0, within(0.005));
	}

	@Test
	void degradationIsZeroWithNothingReadOrFasterPasses() {
		Settings settings = new Settings(filled(8, 5 * MILLI), new long[8], 4 * MIB, 0, 4, DISK, 0, false);
		SimulatedMachine machine = new SimulatedMachine(settings, 0.05);
		machine.run(12, 1);
		assertThat(machine.controller().snapshot().baselineNanos()).isPositive();
		machine.workFactor(0.9);
		machine.run(20, 1);
		assertThat(machine.controller().snapshot().computeNanos())
			.isLessThan(machine.controller().snapshot().baselineNanos());
		assertThat(machine.controller().snapshot().degradation()).isZero();
		machine.workFactor(1.2);
		machine.run(20, 1);
		assertThat(machine.controller().snapshot().degradation()).isZero();
	}

	@Test
	void followsADiskThatIsThrottledAndRecovers() {
		Settings settings = settings(32, 16 * MIB, 24, 0.05);
		SimulatedMachine machine = new SimulatedMachine(settings, 0.05);
		machine.run(20, 1);
		machine.diskRate(DISK / 3);
		machine.run(2, 1);
		Result throttled = machine.run(10, 1);
		assertThat(throttled.pass()).isCloseTo(3 * settings.diskNanos(), within(0.06 * settings.diskNanos()));
		machine.diskRate(DISK);
		machine.run(3, 1);
		Result recovered = machine.run(20, 1);
		assertThat(recovered.stall()).isLessThan(0.001 * recovered.pass());
	}

	@Test
	void followsPassesThatBecomeFaster() {
		Settings settings = settings(32, 16 * MIB, 40, 0.05);
		SimulatedMachine machine = new SimulatedMachine(settings, 0.05);
		machine.run(20, 1);
		machine.workFactor(10);
		machine.run(3, 64);
		machine.workFactor(1);
		Result result = machine.run(10, 1);
		assertThat(result.stall()).isLessThan(0.002 * result.pass());
		// Now the disk is the bottleneck, for passes of a kind that was slower before.
		machine.workFactor(0.3);
		machine.run(2, 1);
		Result fast = machine.run(10, 1);
		assertThat(fast.pass()).isCloseTo(settings.diskNanos(), within(0.02 * settings.diskNanos()));
	}

	@Test
	void growingContextsAreNotTakenForDegradation() {
		Settings settings = new Settings(filled(32, 5 * MILLI), new long[32], 4 * MIB, 0, 4, DISK, 0.2, true);
		SimulatedMachine machine = new SimulatedMachine(settings, 0.05);
		machine.run(40, 1);
		for (int i = 0; i < 400; i++) {
			machine.workFactor(1 + i / 400.0);
			machine.run(1, 1);
		}
		long before = machine.backgroundBytes();
		Result held = machine.run(100, 1);
		assertThat(held.compute() / (2 * settings.computeNanos()) - 1).isBetween(0.02, 0.05);
		assertThat((machine.backgroundBytes() - before) / (held.pass() * 100 / 1e9) / DISK).isGreaterThan(0.1);
	}

	@Test
	void followsAPlanThatPinsMore() {
		BandwidthController controller = new BandwidthController(() -> 0, 0.05, MIB, new long[] { 5, 5 });
		controller.plan(new long[] { 0, 5 });
		assertThatIllegalArgumentException().isThrownBy(() -> controller.plan(new long[3]))
			.withMessageContaining("2 layers");
	}

	@Test
	void readsForTheLayerThatComputesNeverPause() {
		BandwidthController controller = new BandwidthController(() -> 0, 0.05, 1, new long[] { MIB, MIB });
		for (int pass = 0; pass < 3; pass++) {
			controller.beginPass(1);
			for (int layer = 0; layer < 2; layer++) {
				controller.computing(layer);
				for (int i = 0; i < 100; i++) {
					assertThat(controller.pauseNanos(MIB, layer)).isZero();
					controller.read(MIB, 1000);
				}
				controller.computed(layer, (pass == 0) ? 1000 : 2000, pass != 0);
			}
			controller.endPass();
		}
	}

	@Property(tries = 60)
	void neverDelaysPasses(@ForAll @IntRange(min = 4, max = 40) int layers,
			@ForAll @DoubleRange(min = 0.1, max = 4) double diskOverCompute,
			@ForAll @DoubleRange(min = 0, max = 0.5) double interference,
			@ForAll @IntRange(min = 1, max = 8) int readers,
			@ForAll @DoubleRange(min = 1.2, max = 3) double windowLayers, @ForAll long seed) {
		Random random = new Random(seed);
		double[] nanos = new double[layers];
		long[] streamed = new long[layers];
		for (int i = 0; i < layers; i++) {
			nanos[i] = (1 + 2 * random.nextDouble()) * 8 / diskOverCompute * MILLI;
			streamed[i] = (1 + random.nextInt(16)) * MIB;
		}
		long largest = Arrays.stream(streamed).max().orElseThrow();
		// What fits as a whole would not stream.
		long window = Math.min((long) (windowLayers * largest), Arrays.stream(streamed).sum());
		Settings settings = new Settings(nanos, streamed, MIB, window, readers, DISK, interference, false);
		SimulatedMachine machine = new SimulatedMachine(settings, 0.05);
		machine.run(20, 1);
		Result held = machine.run(10, 1);
		SimulatedMachine free = new SimulatedMachine(settings, UNLIMITED);
		free.run(20, 1);
		Result unheld = free.run(10, 1);
		assertThat(held.pass()).isLessThanOrEqualTo(unheld.pass() * 1.02);
	}

	private static Settings settings(int layers, long streamed, double layerMillis, double interference) {
		long[] bytes = new long[layers];
		Arrays.fill(bytes, streamed);
		return new Settings(filled(layers, layerMillis * MILLI), bytes, 4 * MIB, 3 * streamed, 4, DISK, interference,
				false);
	}

	private static double[] filled(int length, double value) {
		double[] values = new double[length];
		Arrays.fill(values, value);
		return values;
	}

}
