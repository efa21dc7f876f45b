package io.github.flashspring.engine.device.cpu;

import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.device.Workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/**
 * The switch from portable to vector kernels, when it comes and that it changes no bit.
 */
class SwitchingKernelsTests {

	private static final int COLUMNS = 576;

	private static final Workload.Linear FOUR_BITS = new Workload.Linear(COLUMNS, DType.U32,
			new Quantization(Quantization.Mode.AFFINE, 4, 32), DType.BF16);

	private static final Workload WORKLOAD = new Workload(Set.of(FOUR_BITS), FOUR_BITS,
			new KvPages.Layout(16, 1, 64, 64), COLUMNS, DType.BF16, Set.of(new Workload.Gate(Activation.SILU)));

	/** Operations that only some models use. */
	private static final Workload ALL_STEPS = new Workload(Set.of(FOUR_BITS), FOUR_BITS, null, COLUMNS, DType.BF16,
			Set.of(new Workload.Gate(Activation.SILU), new Workload.Activate(Activation.SQUARED_RELU),
					new Workload.ClampedSwiGlu(), new Workload.LayerNorm(), new Workload.Combine(),
					new Workload.Recurrence(4, Activation.SILU, 128)));

	private final Kernels vector = new VectorKernels();

	private final Kernels rowByRow = VectorKernels.rowByRow();

	private final Kernels portable = new PortableKernels();

	static List<Format> formats() {
		return Formats.ALL;
	}

	@ParameterizedTest
	@MethodSource("formats")
	void switchInTheMiddleOfAPassKeepsEveryBit(Format format) {
		CpuDeviceTests.Linear shape = new CpuDeviceTests.Linear(format, 64, DType.BF16, 5, COLUMNS, COLUMNS, 1, 7);
		Operands operands = new Operands(7);
		Matrix matrix = shape.matrix(operands);
		Tensor x = operands.activations(5, COLUMNS);
		Tensor expected = operands.empty(DType.F32, 5, COLUMNS);
		Tensor switched = operands.empty(DType.F32, 5, COLUMNS);
		Weights weights = Weights.of(matrix);
		SwitchingKernels kernels = kernels(() -> 0);
		try (Device before = new CpuDevice(this.portable, 1); Device device = new CpuDevice(kernels, 2)) {
			pass(before, expected, operands.empty(DType.F32, 5, COLUMNS), x, matrix, () -> {
			});
			Kernel many = Kernel.linear(weights, 5);
			List<Kernel> others = List.of(Kernel.linear(weights, 1), Kernel.of(Kernel.Operation.RMS_NORM),
					Kernel.of(Kernel.Operation.GATE, Activation.SILU), Kernel.of(Kernel.Operation.ADD));
			kernels.cool(others);
			kernels.cool(List.of(many));
			assertThat(kernels.linear(weights, 5)).isSameAs(this.portable);
			pass(device, switched, operands.empty(DType.F32, 5, COLUMNS), x, matrix,
					() -> others.forEach(kernels::ready));
			KernelsAgreeTests.assertThatBitsAreEqual(switched, expected);
			assertThat(kernels.linear(weights, 5)).isSameAs(this.rowByRow);
			pass(device, switched, operands.empty(DType.F32, 5, COLUMNS), x, matrix, () -> kernels.ready(many));
			assertThat(kernels.linear(weights, 5)).isSameAs(this.vector);
		}
		KernelsAgreeTests.assertThatBitsAreEqual(switched, expected);
	}

	private SwitchingKernels kernels(Allocations allocations) {
		return new SwitchingKernels(this.vector, this.rowByRow, this.portable, allocations, 0,
				ConcurrentHashMap.newKeySet());
	}

	private static void pass(Device device, Tensor out, Tensor between, Tensor x, Matrix matrix, Runnable middle) {
		Operands operands = new Operands(1);
		Tensor norm = operands.numbers(DType.BF16, 1, COLUMNS);
		device.rmsNorm(between, x, norm, 1e-5f);
		device.matmul(out, between, matrix, null);
		device.elementwise().gate(between, out, between, Activation.SILU);
		middle.run();
		device.rmsNorm(between, between, norm, 1e-5f);
		device.matmul(out, between, matrix, null);
		device.elementwise().gate(out, out, between, Activation.SILU);
		device.add(out, x);
	}

	@Test
	void onlyWhatAModelUsesIsExercised() {
		List<Kernel.Operation> few = Exercise.of(WORKLOAD).stream().map((each) -> each.kernel().operation()).toList();
		assertThat(few).contains(Kernel.Operation.GATE)
			.doesNotContain(Kernel.Operation.ACTIVATE, Kernel.Operation.CLAMPED_SWIGLU, Kernel.Operation.LAYER_NORM,
					Kernel.Operation.COMBINE, Kernel.Operation.CONVOLUTION, Kernel.Operation.SCAN);
		assertThat(Exercise.of(ALL_STEPS)).extracting((each) -> each.kernel().operation())
			.contains(Kernel.Operation.ACTIVATE, Kernel.Operation.CLAMPED_SWIGLU, Kernel.Operation.LAYER_NORM,
					Kernel.Operation.COMBINE, Kernel.Operation.CONVOLUTION, Kernel.Operation.SCAN)
			.doesNotContain(Kernel.Operation.ROPE, Kernel.Operation.ATTENTION);
	}

	@Test
	void allStepsAreCompiledByTheirExercises() {
		SwitchingKernels kernels = kernels(Objects.requireNonNull(Allocations.ofThisJvm()));
		kernels.warmUp(ALL_STEPS).run();
		assertThat(kernels.cold()).isEmpty();
	}

	@Test
	void kernelThatAllocatesVectorsCountsAsNotCompiled() throws InterruptedException {
		long[] allocated = new long[1];
		SwitchingKernels kernels = kernels(() -> allocated[0] += 1 << 20);
		Thread warmUp = Thread.ofPlatform().start(kernels.warmUp(WORKLOAD));
		assertThat(kernels.linear(small(), 1)).isSameAs(this.portable);
		warmUp.interrupt();
		warmUp.join();
		assertThat(kernels.linear(small(), 1)).isSameAs(this.portable);
	}

	@Test
	void failedWarmUpLeavesNobodyWaiting() {
		SwitchingKernels kernels = kernels(() -> {
			throw new IllegalStateException("no allocations");
		});
		Runnable warmUp = kernels.warmUp(WORKLOAD);
		assertThatIllegalStateException().isThrownBy(warmUp::run).withMessage("no allocations");
		assertThat(kernels.cold()).isEmpty();
		assertThat(kernels.linear(small(), 1)).isSameAs(this.vector);
	}

	@Test
	void warmUpEndsWhenAllKernelsAreCompiled() {
		SwitchingKernels kernels = kernels(() -> 0);
		Runnable warmUp = kernels.warmUp(WORKLOAD);
		assertThat(kernels.linear(small(), 1)).isSameAs(this.portable);
		assertThat(kernels.linear(small(), 4)).isSameAs(this.portable);
		warmUp.run();
		assertThat(kernels.linear(small(), 1)).isSameAs(this.vector);
		assertThat(kernels.linear(small(), 4)).isSameAs(this.vector);
	}

	@Test
	void aFurtherDeviceOfTheJvmBeginsWithCompiledKernels() {
		Set<Kernel> compiled = ConcurrentHashMap.newKeySet();
		new SwitchingKernels(this.vector, this.rowByRow, this.portable, () -> 0, 0, compiled).warmUp(WORKLOAD).run();
		SwitchingKernels kernels = new SwitchingKernels(this.vector, this.rowByRow, this.portable, () -> 0, 0,
				compiled);
		Runnable warmUp = kernels.warmUp(WORKLOAD);
		assertThat(kernels.cold()).isEmpty();
		assertThat(kernels.linear(small(), 4)).isSameAs(this.vector);
		warmUp.run();
	}

	@Test
	void compiledVectorCodeAllocatesAlmostNothing() {
		Allocations allocations = Objects.requireNonNull(Allocations.ofThisJvm());
		SwitchingKernels kernels = kernels(allocations);
		kernels.warmUp(WORKLOAD).run();
		assertThat(kernels.linear(small(), 1)).isSameAs(this.vector);
		assertThat(kernels.linear(small(), 4)).isSameAs(this.vector);
	}

	@Test
	void kernelOfManyRowsIsWantedOnceRowByRowTookLong() {
		SwitchingKernels kernels = new SwitchingKernels(this.vector, this.rowByRow, this.portable, () -> 0,
				Long.MAX_VALUE, ConcurrentHashMap.newKeySet());
		Kernel many = Kernel.linear(small(), 4);
		kernels.cool(List.of(many));
		kernels.linear(small(), 4);
		assertThat(kernels.wanted(many)).isFalse();
		kernels.linear(Weights.of(new Operands(1).affine(4, 32, 40_000, COLUMNS, DType.BF16)), 400);
		assertThat(kernels.wanted(many)).isTrue();
		assertThat(kernels.wanted(Kernel.linear(small(), 1))).isTrue();
	}

	/** A matrix of the workload that no pass waits for. */
	private static Weights small() {
		return Weights.of(new Operands(1).affine(4, 32, 8, COLUMNS, DType.BF16));
	}

}
