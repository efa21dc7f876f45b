package io.github.flashspring.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;

/**
 * Writes numbers by the letters that Python's two ways of formatting share: {@code d},
 * {@code x}, {@code o}, {@code b}, {@code f}, {@code e}, {@code g} and their capitals.
 */
final class NumberFormat {

	private static final int MAX_DIGITS = 1000;

	private NumberFormat() {
	}

	/**
	 * The digits of a number, without its sign.
	 * @param type one of the letters above
	 * @param value a number
	 * @param precision digits after the point; negative: 6
	 * @return the digits
	 */
	static String digits(char type, Object value, int precision) {
		char lower = Character.toLowerCase(type);
		String digits = switch (lower) {
			case 'd' -> integer(value).abs().toString();
			case 'x' -> integer(value).abs().toString(16);
			case 'o' -> integer(value).abs().toString(8);
			case 'b' -> integer(value).abs().toString(2);
			default -> floating(lower, Math.abs(Arithmetic.toDouble(value)), precision);
		};
		return (type == lower) ? digits : digits.toUpperCase(Locale.ROOT);
	}

	static boolean isNegative(Object value) {
		return (value instanceof Double number) ? number < 0 || 1 / number < 0 : Arithmetic.toBig(value).signum() < 0;
	}

	private static BigInteger integer(Object value) {
		if (value instanceof Double number) {
			if (number.isNaN() || number.isInfinite()) {
				throw JinjaException.value("cannot convert float to integer");
			}
			return new BigDecimal(number).toBigInteger();
		}
		return Arithmetic.toBig(value);
	}

	private static String floating(char type, double number, int precision) {
		if (Double.isNaN(number) || Double.isInfinite(number)) {
			return Double.isNaN(number) ? "nan" : "inf";
		}
		int places = (precision < 0) ? 6 : precision;
		if (places > MAX_DIGITS) {
			throw JinjaException.limit("a precision would exceed " + MAX_DIGITS + " digits");
		}
		BigDecimal exact = new BigDecimal(number);
		return switch (type) {
			case 'f' -> exact.setScale(places, RoundingMode.HALF_EVEN).toPlainString();
			case 'e' -> scientific(exact, places);
			default -> general(exact, Math.max(places, 1));
		};
	}

	private static String scientific(BigDecimal number, int places) {
		BigDecimal rounded = number.round(new MathContext(places + 1, RoundingMode.HALF_EVEN));
		StringBuilder digits = new StringBuilder(rounded.unscaledValue().toString());
		int exponent = (rounded.signum() == 0) ? 0 : digits.length() - 1 - rounded.scale();
		while (digits.length() < places + 1) {
			digits.append('0');
		}
		digits.setLength(places + 1);
		if (places > 0) {
			digits.insert(1, '.');
		}
		return digits + "e" + ((exponent < 0) ? "-" : "+") + ((Math.abs(exponent) < 10) ? "0" : "")
				+ Math.abs(exponent);
	}

	private static String general(BigDecimal number, int significant) {
		BigDecimal rounded = number.round(new MathContext(significant, RoundingMode.HALF_EVEN));
		int exponent = (rounded.signum() == 0) ? 0 : rounded.precision() - rounded.scale() - 1;
		if (exponent >= -4 && exponent < significant) {
			return (rounded.signum() == 0) ? "0" : rounded.stripTrailingZeros().toPlainString();
		}
		String digits = scientific(number, significant - 1);
		int e = digits.indexOf('e');
		String mantissa = digits.substring(0, e);
		return ((mantissa.indexOf('.') < 0) ? mantissa : mantissa.replaceAll("\\.?0+$", "")) + digits.substring(e);
	}

}
