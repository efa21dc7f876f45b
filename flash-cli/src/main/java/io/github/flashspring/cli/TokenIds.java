package io.github.flashspring.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Token ids as they are typed and printed: numbers with commas between them.
 *
 * @param ids at least one id
 */
record TokenIds(int[] ids) {

	/**
	 * Writes ids as they can be typed again.
	 * @param ids the ids
	 * @return such as {@code 1,5,7}
	 */
	static String print(int[] ids) {
		return Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(","));
	}

	/** Reads ids from an argument. */
	static final class Converter implements ITypeConverter<TokenIds> {

		@Override
		public TokenIds convert(String text) {
			List<Integer> ids = new ArrayList<>();
			for (String part : text.strip().split(",", -1)) {
				try {
					ids.add(Integer.parseUnsignedInt(part.strip()));
				}
				catch (NumberFormatException _) {
					throw new TypeConversionException("'" + part.strip()
							+ "' is not a token id. Expected numbers with commas" + " between them, such as 1,5,7.");
				}
				if (ids.getLast() < 0) {
					throw new TypeConversionException("Token id " + part.strip() + " is out of range.");
				}
			}
			return new TokenIds(ids.stream().mapToInt(Integer::intValue).toArray());
		}

	}

}
