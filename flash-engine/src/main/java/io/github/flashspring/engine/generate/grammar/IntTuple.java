package io.github.flashspring.engine.generate.grammar;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

/** A tuple of numbers, by value. */
record IntTuple(int[] parts) {

	@Override
	public boolean equals(@Nullable Object other) {
		return other instanceof IntTuple that && Arrays.equals(this.parts, that.parts);
	}

	@Override
	public int hashCode() {
		return Arrays.hashCode(this.parts);
	}

}
