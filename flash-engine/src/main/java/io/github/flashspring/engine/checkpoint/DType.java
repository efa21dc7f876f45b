package io.github.flashspring.engine.checkpoint;

import java.util.Optional;

/**
 * Element types of tensors, under the names that safetensors headers use.
 */
public enum DType {

	/** IEEE 754 single precision. */
	F32(4),
	/** IEEE 754 half precision. */
	F16(2),
	/** The upper half of a single: 8 bits of exponent, 7 of fraction. */
	BF16(2),
	/** IEEE 754 double precision. */
	F64(8),
	/** Signed byte. */
	I8(1),
	/** Unsigned byte; also E8M0 and E4M3 scales of block formats. */
	U8(1),
	/** Signed 16 bits. */
	I16(2),
	/** Unsigned 16 bits. */
	U16(2),
	/** Signed 32 bits. */
	I32(4),
	/** Unsigned 32 bits; MLX packs quantised codes into these. */
	U32(4),
	/** Signed 64 bits. */
	I64(8),
	/** Unsigned 64 bits. */
	U64(8),
	/** One byte, 0 or 1. */
	BOOL(1),
	/** 8-bit float: 4 bits of exponent, 3 of fraction, no infinities. */
	F8_E4M3(1),
	/** 8-bit float: 5 bits of exponent, 2 of fraction. */
	F8_E5M2(1),
	/** A power of two: 8 bits of exponent and nothing else. */
	F8_E8M0(1);

	private final int bytes;

	DType(int bytes) {
		this.bytes = bytes;
	}

	/**
	 * Size of one element.
	 * @return bytes
	 */
	public int bytes() {
		return this.bytes;
	}

	/**
	 * Whether elements are 16- or 32-bit floats, the types that scales, biases and plain
	 * weights may have.
	 * @return true for F32, F16 and BF16
	 */
	public boolean isPlainFloat() {
		return this == F32 || this == F16 || this == BF16;
	}

	/**
	 * Finds a type by its name in a safetensors header.
	 * @param name for example {@code BF16}
	 * @return the type, empty if the name is unknown
	 */
	public static Optional<DType> find(String name) {
		for (DType dtype : values()) {
			if (dtype.name().equals(name)) {
				return Optional.of(dtype);
			}
		}
		return Optional.empty();
	}

}
