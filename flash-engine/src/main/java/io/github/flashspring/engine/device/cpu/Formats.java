package io.github.flashspring.engine.device.cpu;

import java.util.List;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;

/**
 * All formats of the CPU device.
 */
final class Formats {

	static final Format F32 = new SingleFormat();

	static final Format F16 = new HalfFormat();

	static final Format BF16 = new BrainFormat();

	static final Format AFFINE1 = new OddBitFormat(1);

	static final Format AFFINE2 = new TwoBitFormat();

	static final Format AFFINE3 = new OddBitFormat(3);

	static final Format AFFINE4 = new FourBitFormat();

	static final Format AFFINE5 = new OddBitFormat(5);

	static final Format AFFINE6 = new OddBitFormat(6);

	static final Format AFFINE8 = new EightBitFormat();

	static final Format MXFP4 = new E2m1Format("MXFP4", FloatCodeFormat.Scales.E8M0);

	static final Format MXFP8 = new E4m3Format("MXFP8", FloatCodeFormat.Scales.E8M0);

	static final Format NVFP4 = new E2m1Format("NVFP4", FloatCodeFormat.Scales.E4M3);

	static final Format FP8 = new E4m3Format("FP8", FloatCodeFormat.Scales.RECTANGLES);

	static final List<Format> ALL = List.of(F32, F16, BF16, AFFINE4, AFFINE8, AFFINE1, AFFINE2, AFFINE3, AFFINE5,
			AFFINE6, MXFP4, MXFP8, NVFP4, FP8);

	private Formats() {
	}

	static Format of(DType type) {
		return switch (type) {
			case F32 -> F32;
			case F16 -> F16;
			case BF16 -> BF16;
			default -> throw new IllegalArgumentException("Expected weights of type F32, F16 or BF16, found " + type);
		};
	}

	static Format of(Quantization quantization) {
		return switch (quantization.mode()) {
			case MXFP4 -> MXFP4;
			case MXFP8 -> MXFP8;
			case NVFP4 -> NVFP4;
			case FP8 -> FP8;
			default -> switch (quantization.bits()) {
				case 1 -> AFFINE1;
				case 2 -> AFFINE2;
				case 3 -> AFFINE3;
				case 4 -> AFFINE4;
				case 5 -> AFFINE5;
				case 6 -> AFFINE6;
				case 8 -> AFFINE8;
				default -> throw new IllegalArgumentException("The CPU device does not compute " + quantization);
			};
		};
	}

}
