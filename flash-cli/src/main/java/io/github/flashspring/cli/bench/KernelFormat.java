package io.github.flashspring.cli.bench;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;

/**
 * A format of weights that kernels are measured with.
 *
 * @param name such as {@code bf16}, {@code 4bit-g64} or {@code mxfp4}
 * @param type of an element: of numbers, or of what codes are packed into
 * @param quantization null for plain numbers
 * @param scaleType type of scales and biases, if there are any
 */
record KernelFormat(String name, DType type, @Nullable Quantization quantization, DType scaleType) {

	/** What is measured if nothing is chosen. */
	static final String DEFAULT = "f32,f16,bf16,4bit-g32,4bit-g32-f16,4bit-g64,4bit-g128,8bit-g64,2bit-g64,3bit-g64,"
			+ "5bit-g64,6bit-g64,mxfp4,mxfp8,nvfp4,fp8";

	private static final Pattern AFFINE = Pattern.compile("([1234568])bit(?:-g(32|64|128))?(?:-(f32|f16|bf16))?");

	private static final int FP8_BLOCK = 128;

	/** Clears the highest bit of the exponents of eight numbers E4M3: none is a NaN. */
	private static final long SMALL = 0xbfbf_bfbf_bfbf_bfbfL;

	/**
	 * A format by its name.
	 * @param name as in {@link #DEFAULT}
	 * @return the format
	 * @throws IllegalArgumentException if there is none of that name
	 */
	static KernelFormat of(String name) {
		return switch (name) {
			case "f32" -> new KernelFormat(name, DType.F32, null, DType.F32);
			case "f16" -> new KernelFormat(name, DType.F16, null, DType.F16);
			case "bf16" -> new KernelFormat(name, DType.BF16, null, DType.BF16);
			case "mxfp4" ->
				new KernelFormat(name, DType.U32, new Quantization(Quantization.Mode.MXFP4, 4, 32), DType.U8);
			case "mxfp8" ->
				new KernelFormat(name, DType.U32, new Quantization(Quantization.Mode.MXFP8, 8, 32), DType.U8);
			case "nvfp4" ->
				new KernelFormat(name, DType.U32, new Quantization(Quantization.Mode.NVFP4, 4, 16), DType.U8);
			case "fp8" -> new KernelFormat(name, DType.F8_E4M3,
					new Quantization(Quantization.Mode.FP8, 8, FP8_BLOCK, FP8_BLOCK), DType.F32);
			default -> affine(name);
		};
	}

	private static KernelFormat affine(String name) {
		Matcher matcher = AFFINE.matcher(name);
		if (!matcher.matches()) {
			throw new IllegalArgumentException("'" + name + "' is not a format. Expected f32, f16, bf16, mxfp4, mxfp8,"
					+ " nvfp4, fp8, or 1bit to 6bit or 8bit with an optional group size and type of scales,"
					+ " such as 4bit-g64 or 4bit-g32-f16");
		}
		String group = matcher.group(2);
		String scale = matcher.group(3);
		return new KernelFormat(name, DType.U32,
				new Quantization(Quantization.Mode.AFFINE, Integer.parseInt(matcher.group(1)),
						(group != null) ? Integer.parseInt(group) : 64),
				(scale != null) ? of(scale).type() : DType.BF16);
	}

	/**
	 * Whether a matrix may have so many columns.
	 * @param columns columns of a matrix
	 * @return false if the last group would be incomplete
	 */
	boolean allows(int columns) {
		if (this.quantization == null) {
			return true;
		}
		boolean whole = (long) columns * this.quantization.bits() % (this.type.bytes() * Byte.SIZE) == 0;
		return whole && this.quantization.fits(columns);
	}

	/** Elements of a row of numbers or packed codes. */
	int elements(int columns) {
		return (this.quantization == null) ? columns
				: Math.toIntExact((long) columns * this.quantization.bits() / (this.type.bytes() * Byte.SIZE));
	}

	/**
	 * Fills memory with valid numbers or codes.
	 * @param target little-endian, a multiple of eight bytes
	 */
	void fill(ByteBuffer target) {
		SplittableRandom random = new SplittableRandom(0);
		while (target.remaining() >= Long.BYTES) {
			switch (this.type) {
				case F32 -> target.putFloat(SyntheticWeights.weight(random));
				case F16 -> target.putShort(Float.floatToFloat16(SyntheticWeights.weight(random)));
				case BF16 -> target.putShort((short) (Float.floatToRawIntBits(SyntheticWeights.weight(random)) >>> 16));
				default -> target.putLong(eightBits() ? random.nextLong() & SMALL : random.nextLong());
			}
		}
	}

	private boolean eightBits() {
		return this.quantization != null
				&& List.of(Quantization.Mode.MXFP8, Quantization.Mode.FP8).contains(this.quantization.mode());
	}

	/**
	 * One scale, repeated over eight bytes.
	 * @param bias whether it is a bias
	 * @return eight bytes
	 */
	byte[] scale(boolean bias) {
		ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
		float value = SyntheticWeights.DEVIATION * (bias ? -0.5f : 0.25f);
		while (bytes.hasRemaining()) {
			switch (this.scaleType) {
				case F32 -> bytes.putFloat(value);
				case F16 -> bytes.putShort(Float.floatToFloat16(value));
				case BF16 -> bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
				// E8M0: 2^-7; E4M3: 2^-6
				default -> bytes.put((byte) ((this.name.equals("nvfp4")) ? 1 << 3 : 127 - 7));
			}
		}
		return bytes.array();
	}

	/** Reads a name. */
	static final class Converter implements ITypeConverter<KernelFormat> {

		@Override
		public KernelFormat convert(String text) {
			try {
				return of(text);
			}
			catch (IllegalArgumentException ex) {
				throw new TypeConversionException(String.valueOf(ex.getMessage()));
			}
		}

	}

}
