package io.github.flashspring.engine.device.cpu;

import java.util.Arrays;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.KvRangeException;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.Tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

/**
 * Attention over contexts of several tiles and sections: the same bits however rows are
 * put into passes and however many threads compute them, and close to the formula in
 * double precision.
 */
class AttentionTests {

	@Property(tries = 90)
	void bitsDependOnlyOnThePosition(@ForAll("shapes") Shape shape) {
		Sequence sequence = new Sequence(shape);
		Tensor expected = sequence.attend(new PortableKernels(), 1, shape.tokens());
		for (int chunk : new int[] { 1, 7, 64, shape.tokens() }) {
			Tensor out = sequence.attend(new VectorKernels(), 1 + chunk % 3, chunk);
			KernelsAgreeTests.assertThatBitsAreEqual(out, expected);
		}
		KernelsAgreeTests.assertThatBitsAreEqual(sequence.attend(new PortableKernels(), 3, 7), expected);
		sequence.assertThatRowIsRight(expected, 0);
		sequence.assertThatRowIsRight(expected, shape.tokens() - 1);
	}

	@Provide
	static Arbitrary<Shape> shapes() {
		Arbitrary<Integer> groups = Arbitraries.of(1, 2, 3, 4, 5, 8);
		Arbitrary<Integer> dims = Arbitraries.of(1, 8, 16, 21, 64, 80, 96, 120, 130);
		Arbitrary<Integer> windows = Arbitraries.of(0, 0, 1, 3, 40, 64, 100, 260);
		return Combinators
			.combine(Arbitraries.integers().between(1, 2), groups, dims, dims, Arbitraries.integers().between(1, 5),
					windows, Arbitraries.integers().between(1, 340), Arbitraries.longs())
			.as(Shape::of);
	}

	@ParameterizedTest
	@CsvSource({ "1, 1, 64", "1, 16, 576", "1, 70, 40", "2, 33, 24" })
	void bitsOfManyHeadsDoNotDependOnThreads(int keyValueHeads, int group, int keyDim) {
		Shape shape = new Shape(keyValueHeads, group, keyDim, keyDim - 8, keyDim != 64, 64, 0, 3f, true, 150, 7);
		Sequence sequence = new Sequence(shape);
		Tensor expected = sequence.attend(new PortableKernels(), 1, 150);
		for (int threads = 1; threads <= 3; threads++) {
			KernelsAgreeTests.assertThatBitsAreEqual(sequence.attend(new VectorKernels(), threads, 50), expected);
		}
		sequence.assertThatRowIsRight(expected, 149);
	}

	@ParameterizedTest
	@ValueSource(ints = { 4095, 4096, 8191, 8192, 16384, 20000 })
	void bitsOfLongContextsDoNotDependOnSplitting(int position) {
		Shape shape = new Shape(1, 2, 8, 12, false, 64, 0, 0f, true, position + 20, position % 30 + 60);
		Sequence sequence = new Sequence(shape);
		sequence.store();
		Tensor expected = sequence.attend(new PortableKernels(), 1, position - 8, 20);
		for (int threads = 1; threads <= 3; threads++) {
			KernelsAgreeTests.assertThatBitsAreEqual(sequence.attend(new VectorKernels(), threads, position - 8, 20),
					expected);
			for (int row = 0; row < 20; row++) {
				Tensor alone = sequence.attend(new VectorKernels(), threads, position - 8 + row, 1);
				KernelsAgreeTests.assertThatBitsAreEqual(alone, expected.rows(row, 1));
			}
		}
		for (int row = 0; row < 20; row++) {
			sequence.assertThatRowIsRight(expected.rows(row, 1), position - 8 + row, 0);
		}
	}

	@Test
	void rowsOfOneBatchDoNotTouchEachOther() {
		Sequence first = new Sequence(new Shape(2, 3, 80, 96, false, 64, 0, 0f, false, 300, 1));
		Tensor expected = first.attend(new PortableKernels(), 1, 300);
		Operands operands = first.operands;
		RaggedBatch batch = CpuDeviceTests.batch(new RaggedBatch.Span(0, 1, 299, first.pages),
				new RaggedBatch.Span(1, 70, 200, first.pages), new RaggedBatch.Span(71, 1, 0, first.pages),
				new RaggedBatch.Span(72, 3, 63, first.pages));
		int[] rows = batch.positions();
		Tensor queries = operands.empty(DType.F32, rows.length, first.spec.heads() * 80);
		Tensor out = operands.empty(DType.F32, rows.length, first.spec.heads() * 96);
		Tensor wanted = operands.empty(DType.F32, rows.length, first.spec.heads() * 96);
		for (int threads = 1; threads <= 3; threads++) {
			try (Device device = new CpuDevice(new VectorKernels(), threads)) {
				device.gather(queries, first.queries, rows);
				device.gather(wanted, expected, rows);
				device.attention(out, queries, first.kv, 0, batch, first.spec);
			}
			KernelsAgreeTests.assertThatBitsAreEqual(out, wanted);
		}
	}

	@Test
	void nanInLaterTokensDoesNotAffectEarlierOnes() {
		Sequence sequence = new Sequence(new Shape(1, 1, 16, 16, false, 16, 30, 0f, false, 100, 3));
		Tensor expected = sequence.attend(new VectorKernels(), 1, 100);
		for (int d = 0; d < 16; d++) {
			Operands.set(sequence.keys, 90, d, Float.NaN);
			Operands.set(sequence.values, 90, d, Float.POSITIVE_INFINITY);
		}
		Tensor out = sequence.attend(new VectorKernels(), 1, 100);
		KernelsAgreeTests.assertThatBitsAreEqual(out.rows(0, 90), expected.rows(0, 90));
		assertThat(Operands.get(out, 90, 0)).isNaN();
		KernelsAgreeTests.assertThatBitsAreEqual(sequence.attend(new PortableKernels(), 1, 100).rows(0, 90),
				expected.rows(0, 90));
	}

	@ParameterizedTest
	@EnumSource(names = { "F16", "Q8" })
	void refusesNumbersThatHalvesCannotHold(KvPages.Format format) {
		Operands operands = new Operands(5);
		KvPages kv = operands.pages(1, new KvPages.Layout(16, 1, 4, 4, 0, format));
		RaggedBatch batch = CpuDeviceTests.batch(new RaggedBatch.Span(0, 1, 0, new int[][] { { 0 }, { 1 } }, null));
		Tensor keys = operands.activations(1, 4);
		Tensor values = operands.activations(1, 4);
		try (Device device = new CpuDevice(new PortableKernels(), 2)) {
			Operands.set(keys, 0, 3, -65504f);
			device.storeKv(kv, 0, batch, keys, values);
			Operands.set(values, 0, 2, 65520f);
			assertThatExceptionOfType(KvRangeException.class)
				.isThrownBy(() -> device.storeKv(kv, 0, batch, keys, values))
				.withMessageContaining("value of layer 0 at position 0 is 65520.0")
				.withMessageContaining("flash.kv.mode=f32");
			Operands.set(keys, 0, 0, Float.NaN);
			assertThatExceptionOfType(KvRangeException.class)
				.isThrownBy(() -> device.storeKv(kv, 0, batch, keys, values))
				.withMessageContaining("key of layer 0 at position 0 is NaN");
		}
	}

	@Test
	void everyPositionHasAtMost32Sections() {
		for (int position = 0; position < 1 << 20; position++) {
			int length = AttentionJob.sectionLength(position);
			assertThat(length % AttentionJob.TILE).isZero();
			assertThat(position / length).isLessThan(32);
		}
	}

	@Test
	void fewQueriesAreSplitAndManyAreNot() {
		Sequence sequence = new Sequence(new Shape(2, 4, 8, 8, false, 64, 0, 0f, false, 1100, 3));
		assertThat(sequence.units(1, 1)).isEqualTo(2);
		assertThat(sequence.units(1, 16)).isEqualTo(2 * 5);
		assertThat(sequence.units(4, 16)).isEqualTo(2 * 5);
		assertThat(sequence.units(1000, 16)).isEqualTo(2 * 63);
	}

	@Test
	void refusesBlocksOfOddSizes() {
		Operands operands = new Operands(5);
		KvPages kv = operands.pages(1, new KvPages.Layout(24, 1, 4, 4));
		RaggedBatch batch = CpuDeviceTests.batch(new RaggedBatch.Span(0, 1, 0, new int[] { 0 }));
		try (Device device = new CpuDevice(new PortableKernels(), 1)) {
			assertThatIllegalArgumentException()
				.isThrownBy(() -> device.storeKv(kv, 0, batch, operands.activations(1, 4), operands.activations(1, 4)))
				.withMessageContaining("multiple of 16")
				.withMessageContaining("24");
		}
	}

	/** Heads, sizes and length of a sequence. */
	record Shape(int keyValueHeads, int group, int keyDim, int valueDim, boolean inside, int pageTokens, int window,
			float softcap, boolean sinks, int tokens, long seed) {

		KvPages.Format format() {
			return KvPages.Format.values()[(int) Math.floorMod(this.seed / 30, 3L)];
		}

		/** Rotated numbers of a key that is a value too have scales of their own. */
		int rotatedDim() {
			return (this.inside && this.keyDim % 4 == 0) ? this.keyDim / 4 : 0;
		}

		static Shape of(int keyValueHeads, int group, int keyDim, int valueDim, int pageSixteens, int window,
				int tokens, long seed) {
			boolean inside = seed % 3 == 0;
			return new Shape(keyValueHeads, group, keyDim, inside ? Math.min(keyDim, valueDim) : valueDim, inside,
					KvPages.TOKENS * pageSixteens, window, (seed % 2 == 0) ? 2.5f : 0f, seed % 5 < 2, tokens, seed);
		}

	}

	/** A sequence whose pages lie in another order than its tokens. */
	private static final class Sequence {

		private final Shape shape;

		private final Operands operands;

		private final AttentionSpec spec;

		private final KvPages kv;

		private final int[] pages;

		/** Of the newest tokens, if others are codes. */
		private final int[] recent;

		private final Tensor keys;

		private final Tensor values;

		private final Tensor queries;

		private final @Nullable Tensor sinks;

		Sequence(Shape shape) {
			this.shape = shape;
			this.operands = new Operands(shape.seed());
			int heads = shape.keyValueHeads() * shape.group();
			this.spec = new AttentionSpec(heads, shape.keyValueHeads(), shape.keyDim(), shape.valueDim(),
					(float) (2 / Math.sqrt(shape.keyDim())), shape.window(), shape.softcap());
			this.pages = new int[Math.ceilDiv(shape.tokens(), shape.pageTokens())];
			for (int i = 0; i < this.pages.length; i++) {
				this.pages[i] = (i + 1) % this.pages.length;
			}
			this.kv = this.operands.pages(this.pages.length,
					new KvPages.Layout(shape.pageTokens(), shape.keyValueHeads(), shape.keyDim(),
							shape.inside() ? 0 : shape.valueDim(), shape.rotatedDim(), shape.format()));
			this.recent = Arrays.stream(this.pages).map((page) -> page + this.pages.length).toArray();
			this.keys = this.operands.activations(shape.tokens(), shape.keyValueHeads() * shape.keyDim());
			this.values = this.operands.activations(shape.tokens(), shape.keyValueHeads() * shape.valueDim());
			this.queries = this.operands.activations(shape.tokens(), heads * shape.keyDim());
			this.sinks = shape.sinks() ? this.operands.numbers(DType.BF16, 1, heads) : null;
		}

		/** Stores and attends to all tokens, some at a time. */
		Tensor attend(Kernels kernels, int threads, int chunk) {
			Tensor out = this.operands.empty(DType.F32, this.shape.tokens(), this.spec.heads() * this.shape.valueDim());
			try (Device device = new CpuDevice(kernels, threads)) {
				for (int from = 0; from < this.shape.tokens(); from += chunk) {
					int rows = Math.min(chunk, this.shape.tokens() - from);
					RaggedBatch batch = batch(from, rows);
					device.storeKv(this.kv, 0, batch, this.keys.rows(from, rows),
							this.shape.inside() ? null : this.values.rows(from, rows));
					device.attention(out.rows(from, rows), this.queries.rows(from, rows), this.kv, 0, batch, this.spec,
							this.sinks);
				}
			}
			return out;
		}

		void store() {
			try (Device device = new CpuDevice(new VectorKernels(), 1)) {
				device.storeKv(this.kv, 0, batch(0, this.shape.tokens()), this.keys, this.values);
			}
		}

		/** Attends for some tokens of which all keys and values are stored. */
		Tensor attend(Kernels kernels, int threads, int from, int rows) {
			Tensor out = this.operands.empty(DType.F32, rows, this.spec.heads() * this.shape.valueDim());
			try (Device device = new CpuDevice(kernels, threads)) {
				device.attention(out, this.queries.rows(from, rows), this.kv, 0, batch(from, rows), this.spec,
						this.sinks);
			}
			return out;
		}

		int units(int rows, int threads) {
			Tensor out = this.operands.empty(DType.F32, rows, this.spec.heads() * this.shape.valueDim());
			AttentionJob job = new AttentionJob(Rows.of(out), Rows.of(this.queries), this.kv, 0,
					batch(1100 - rows, rows), this.spec, null);
			job.split(threads, new AttentionJob.Partials());
			return job.units();
		}

		private RaggedBatch batch(int from, int rows) {
			return CpuDeviceTests
				.batch(new RaggedBatch.Span(0, rows, from, new int[][] { this.pages, this.recent }, null));
		}

		void assertThatRowIsRight(Tensor out, int position) {
			assertThatRowIsRight(out, position, position);
		}

		void assertThatRowIsRight(Tensor out, int position, int row) {
			int first = (this.shape.window() > 0) ? Math.max(0, position - this.shape.window() + 1) : 0;
			for (int head = 0; head < this.spec.heads(); head++) {
				double total = (this.sinks != null) ? Math.exp(Operands.get(this.sinks, 0, head)) : 0;
				double[] expected = new double[this.shape.valueDim()];
				for (int p = first; p <= position; p++) {
					double weight = Math.exp(score(position, head, p));
					total += weight;
					for (int i = 0; i < expected.length; i++) {
						expected[i] += weight * value(p, head / this.shape.group(), i);
					}
				}
				for (int i = 0; i < expected.length; i++) {
					assertThat((double) Operands.get(out, row, head * expected.length + i))
						.isCloseTo(expected[i] / total, within(switch (this.shape.format()) {
							case F32 -> 2e-5;
							case F16 -> 1e-2;
							case Q8 -> 0.1;
						}));
				}
			}
		}

		private double score(int position, int head, int p) {
			double score = 0;
			for (int d = 0; d < this.shape.keyDim(); d++) {
				score += (double) Operands.get(this.queries, position, head * this.shape.keyDim() + d)
						* Operands.get(this.keys, p, head / this.shape.group() * this.shape.keyDim() + d);
			}
			score *= this.spec.scale();
			float cap = this.shape.softcap();
			return (cap > 0) ? cap * Math.tanh(score / cap) : score;
		}

		private double value(int p, int keyValueHead, int i) {
			return this.shape.inside() ? Operands.get(this.keys, p, keyValueHead * this.shape.keyDim() + i)
					: Operands.get(this.values, p, keyValueHead * this.shape.valueDim() + i);
		}

	}

}
