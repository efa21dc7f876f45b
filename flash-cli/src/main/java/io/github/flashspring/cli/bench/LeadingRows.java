package io.github.flashspring.cli.bench;

import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.TensorSource;

/**
 * Rows that begin with one number several times, in any format: codes do not count in a
 * group whose scale is zero.
 *
 * @param format how the rows are stored
 * @param deviation of the numbers behind
 * @param lead the number of each row; 1 in formats without biases
 * @param columns length of a row
 */
record LeadingRows(WeightFormat format, double deviation, IntToDoubleFunction lead, int columns) {

	/** Eight codes E2M1 or four E4M3 that are 1 each. */
	private static final int ONES_E2M1 = 0x2222_2222;

	private static final int ONES_E4M3 = 0x3838_3838;

	/** The scale 1: E8M0, and E4M3. */
	private static final byte ONE_E8M0 = 127;

	private static final byte ONE_E4M3 = 0x38;

	SequencedMap<String, TensorSource> tensors(long seed, int rows) {
		SequencedMap<String, TensorSource> tensors = new LinkedHashMap<>();
		if (!this.format.quantised()) {
			tensors.put(".weight", rows(seed, rows, DType.BF16, this.columns, this::numbers));
			return tensors;
		}
		int groups = this.columns / this.format.groupSize();
		tensors.put(".weight",
				rows(seed, rows, DType.U32, Math.toIntExact(this.format.words(this.columns)), this::codes));
		if (!this.format.hasBiases()) {
			tensors.put(".scales", rows(seed, rows, DType.U8, groups, this::byteScales));
			return tensors;
		}
		tensors.put(".scales",
				rows(seed, rows, DType.BF16, groups, (row, target, random) -> affine(target, 0, scale())));
		float middle = ((1 << this.format.bits()) - 1) / 2f;
		tensors.put(".biases", rows(seed, rows, DType.BF16, groups,
				(row, target, random) -> affine(target, (float) this.lead.applyAsDouble(row), -middle * scale())));
		return tensors;
	}

	private static TensorSource rows(long seed, int rows, DType type, int width, RowFiller filler) {
		return new TensorSource(type, new long[] { rows, width }, (channel) -> {
			int[] row = new int[1];
			RandomBlocks.write(channel, seed, rows, width * type.bytes(),
					(target, random) -> filler.put(row[0]++, target, random));
		});
	}

	private void numbers(int row, ByteBuffer target, SplittableRandom random) {
		for (int i = 0; i < this.columns; i++) {
			double value = (i < SyntheticRouting.CONSTANT) ? this.lead.applyAsDouble(row)
					: this.deviation * Math.sqrt(12) * (random.nextDouble() - 0.5);
			target.putShort(TensorList.bfloat((float) value));
		}
	}

	private void codes(int row, ByteBuffer target, SplittableRandom random) {
		long words = this.format.words(this.columns);
		int constant = this.format.hasBiases() ? 0 : SyntheticRouting.CONSTANT * this.format.bits() / Integer.SIZE;
		for (int i = 0; i < words; i++) {
			target.putInt((i < constant) ? ((this.format.bits() == 8) ? ONES_E4M3 : ONES_E2M1)
					: (int) this.format.codes(random));
		}
	}

	private void byteScales(int row, ByteBuffer target, SplittableRandom random) {
		byte one = this.format.mode().equals("nvfp4") ? ONE_E4M3 : ONE_E8M0;
		byte other = this.format.scale((float) (this.deviation / SyntheticWeights.DEVIATION));
		for (int i = 0; i < this.columns / this.format.groupSize(); i++) {
			target.put(isLead(i) ? one : other);
		}
	}

	private void affine(ByteBuffer target, float first, float other) {
		for (int i = 0; i < this.columns / this.format.groupSize(); i++) {
			target.putShort(TensorList.bfloat(isLead(i) ? first : other));
		}
	}

	private float scale() {
		return (float) (this.deviation / SyntheticWeights.deviationOfCodes(this.format.bits()));
	}

	private boolean isLead(int group) {
		return group * this.format.groupSize() < SyntheticRouting.CONSTANT;
	}

	/** Puts one row. */
	@FunctionalInterface
	private interface RowFiller {

		void put(int row, ByteBuffer target, SplittableRandom random);

	}

}
