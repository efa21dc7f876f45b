package io.github.flashspring.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Python's arithmetic: whole numbers of any size (here up to 4,096 bits), floor division,
 * texts and lists that can be added and repeated.
 */
final class Arithmetic {

	private static final int MAX_BITS = 4096;

	private Arithmetic() {
	}

	static Object binary(String operator, Object left, Object right, Budget budget) {
		if (operator.equals("%") && left instanceof MarkedText format) {
			return PythonFormat.percent(format, right, budget);
		}
		if (Types.isInteger(left) && Types.isInteger(right)) {
			return integers(operator, left, right);
		}
		if (Types.isNumber(left) && Types.isNumber(right)) {
			return floats(operator, toDouble(left), toDouble(right));
		}
		return switch (operator) {
			case "+" -> add(left, right, budget);
			case "*" -> Types.isInteger(left) ? repeat(right, left, budget) : repeat(left, right, budget);
			default -> throw unsupported(operator, left, right);
		};
	}

	private static JinjaException unsupported(String operator, Object left, Object right) {
		return JinjaException.type("unsupported operand type(s) for " + operator + ": '" + Types.name(left) + "' and '"
				+ Types.name(right) + "'");
	}

	private static Object add(Object left, Object right, Budget budget) {
		if (left instanceof MarkedText a && right instanceof MarkedText b) {
			budget.checkText((long) a.length() + b.length());
			return a.plus(b);
		}
		if (left instanceof MarkedText) {
			throw JinjaException.type("can only concatenate str (not \"" + Types.name(right) + "\") to str");
		}
		if (left instanceof List<?> a && right instanceof List<?> b && Types.name(left).equals(Types.name(right))
				&& !(left instanceof Range)) {
			budget.checkItems((long) a.size() + b.size());
			List<Object> sum = new ArrayList<>(a);
			sum.addAll(b);
			return (left instanceof Tuple) ? Tuple.copyOf(sum) : sum;
		}
		throw unsupported("+", left, right);
	}

	private static Object repeat(Object value, Object times, Budget budget) {
		if (!Types.isInteger(times)
				|| !(value instanceof MarkedText || value instanceof List && !(value instanceof Range))) {
			throw (value instanceof MarkedText || value instanceof List)
					? JinjaException.type("can't multiply sequence by non-int of type '" + Types.name(times) + "'")
					: unsupported("*", value, times);
		}
		long count = Math.clamp(Operators.toIndex(times), 0, Integer.MAX_VALUE);
		if (value instanceof MarkedText text) {
			return new TextBuilder(budget).repeat(text, count).toText();
		}
		List<?> list = (List<?>) value;
		budget.checkItems(list.size() * count);
		List<Object> repeated = new ArrayList<>();
		Collections.nCopies(list.isEmpty() ? 0 : (int) count, list).forEach(repeated::addAll);
		return (value instanceof Tuple) ? Tuple.copyOf(repeated) : repeated;
	}

	private static Object integers(String operator, Object left, Object right) {
		BigInteger a = toBig(left);
		BigInteger b = toBig(right);
		return switch (operator) {
			case "+" -> normalize(a.add(b));
			case "-" -> normalize(a.subtract(b));
			case "*" -> normalize(a.multiply(b));
			case "/" -> divide(a, b);
			case "//" -> normalize(floorDivide(a, b));
			case "%" -> normalize(a.subtract(b.multiply(floorDivide(a, b))));
			default -> (b.signum() < 0) ? floats("**", a.doubleValue(), b.doubleValue()) : power(a, b);
		};
	}

	private static Object divide(BigInteger a, BigInteger b) {
		if (b.signum() == 0) {
			throw JinjaException.value("division by zero");
		}
		return a.doubleValue() / b.doubleValue();
	}

	private static BigInteger floorDivide(BigInteger a, BigInteger b) {
		if (b.signum() == 0) {
			throw JinjaException.value("integer division or modulo by zero");
		}
		BigInteger[] parts = a.divideAndRemainder(b);
		return (parts[1].signum() != 0 && parts[1].signum() != b.signum()) ? parts[0].subtract(BigInteger.ONE)
				: parts[0];
	}

	private static Object power(BigInteger a, BigInteger b) {
		if (a.bitLength() <= 1 && a.signum() >= 0) {
			return normalize((b.signum() == 0) ? BigInteger.ONE : a);
		}
		if (b.bitLength() > 31 || (double) a.bitLength() * b.intValue() > 2.0 * MAX_BITS) {
			throw tooLarge();
		}
		return normalize(a.pow(b.intValue()));
	}

	private static Object floats(String operator, double a, double b) {
		if (b == 0 && (operator.startsWith("/") || operator.equals("%"))) {
			throw JinjaException.value("float division by zero");
		}
		return switch (operator) {
			case "+" -> a + b;
			case "-" -> a - b;
			case "*" -> a * b;
			case "/" -> a / b;
			case "//" -> Math.floor(a / b);
			case "%" -> {
				double remainder = a % b;
				yield (remainder != 0 && (remainder < 0) != (b < 0)) ? remainder + b : remainder;
			}
			default -> power(a, b);
		};
	}

	private static double power(double a, double b) {
		double power = Math.pow(a, b);
		if (Double.isInfinite(power) && !Double.isInfinite(a) && !Double.isInfinite(b)) {
			throw JinjaException.value("Numerical result out of range");
		}
		return power;
	}

	static Object negate(Object value) {
		Operators.refuseUndefined(value);
		return switch (value) {
			case Double number -> -number;
			case Object number when Types.isInteger(number) -> normalize(toBig(number).negate());
			default -> throw JinjaException.type("bad operand type for unary -: '" + Types.name(value) + "'");
		};
	}

	static Object plus(Object value) {
		Operators.refuseUndefined(value);
		return switch (value) {
			case Double number -> number;
			case Object number when Types.isInteger(number) -> normalize(toBig(number));
			default -> throw JinjaException.type("bad operand type for unary +: '" + Types.name(value) + "'");
		};
	}

	static int order(Object left, Object right) {
		if (left instanceof Double || right instanceof Double) {
			double a = toDouble(left);
			double b = toDouble(right);
			if (Double.isNaN(a) || Double.isInfinite(a) || Double.isNaN(b) || Double.isInfinite(b)) {
				return Double.compare(a, b);
			}
			return exact(left).compareTo(exact(right));
		}
		return toBig(left).compareTo(toBig(right));
	}

	private static BigDecimal exact(Object number) {
		return (number instanceof Double value) ? new BigDecimal(value) : new BigDecimal(toBig(number));
	}

	static double toDouble(Object number) {
		return (number instanceof Double value) ? value : toBig(number).doubleValue();
	}

	static BigInteger toBig(Object integer) {
		return switch (integer) {
			case Long number -> BigInteger.valueOf(number);
			case Boolean truth -> truth ? BigInteger.ONE : BigInteger.ZERO;
			case BigInteger number -> number;
			default -> throw JinjaException.type("an integer is required, got '" + Types.name(integer) + "'");
		};
	}

	static Object normalize(BigInteger value) {
		if (value.bitLength() < Long.SIZE) {
			return value.longValue();
		}
		if (value.bitLength() > MAX_BITS) {
			throw tooLarge();
		}
		return value;
	}

	private static JinjaException tooLarge() {
		return JinjaException.limit("an integer would exceed " + MAX_BITS + " bits");
	}

}
