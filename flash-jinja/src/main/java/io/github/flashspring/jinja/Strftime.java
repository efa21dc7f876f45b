package io.github.flashspring.jinja;

import java.time.ZonedDateTime;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.IsoFields;
import java.time.temporal.WeekFields;
import java.util.Locale;

/**
 * Python's {@code strftime} in the C locale.
 */
final class Strftime {

	private Strftime() {
	}

	static MarkedText format(ZonedDateTime time, MarkedText pattern, Budget budget) {
		String format = pattern.string();
		TextBuilder text = new TextBuilder(budget);
		for (int i = 0; i < format.length(); i++) {
			char c = format.charAt(i);
			if (c != '%' || i + 1 == format.length()) {
				text.append(c);
				continue;
			}
			char directive = format.charAt(++i);
			// glibc: %-d leaves the zeros out, %_d puts blanks
			if ((directive == '-' || directive == '_') && i + 1 < format.length()) {
				String padded = directive(time, format.charAt(++i));
				String bare = padded.replaceFirst("^[0 ]+(?=.)", "");
				text.append((directive == '-') ? bare : " ".repeat(padded.length() - bare.length()) + bare);
			}
			else {
				text.append(directive(time, directive));
			}
		}
		return pattern.changed(text.toString());
	}

	private static String directive(ZonedDateTime time, char directive) {
		return switch (directive) {
			case 'a' -> time.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
			case 'A' -> time.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
			case 'b', 'h' -> time.getMonth().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
			case 'B' -> time.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
			case 'c' -> directive(time, 'a') + " " + directive(time, 'b') + " " + directive(time, 'e') + " "
					+ directive(time, 'T') + " " + directive(time, 'Y');
			case 'C' -> digits('0', 2, time.getYear() / 100);
			case 'd' -> digits('0', 2, time.getDayOfMonth());
			case 'D', 'x' -> directive(time, 'm') + "/" + directive(time, 'd') + "/" + directive(time, 'y');
			case 'e' -> digits(' ', 2, time.getDayOfMonth());
			case 'f' -> digits('0', 6, time.getNano() / 1000);
			case 'F' -> directive(time, 'Y') + "-" + directive(time, 'm') + "-" + directive(time, 'd');
			case 'G' -> Integer.toString(time.get(IsoFields.WEEK_BASED_YEAR));
			case 'H' -> digits('0', 2, time.getHour());
			case 'I' -> digits('0', 2, time.get(ChronoField.CLOCK_HOUR_OF_AMPM));
			case 'j' -> digits('0', 3, time.getDayOfYear());
			case 'k' -> digits(' ', 2, time.getHour());
			case 'l' -> digits(' ', 2, time.get(ChronoField.CLOCK_HOUR_OF_AMPM));
			case 'm' -> digits('0', 2, time.getMonthValue());
			case 'M' -> digits('0', 2, time.getMinute());
			case 'n' -> "\n";
			case 'p' -> (time.getHour() < 12) ? "AM" : "PM";
			case 'r' -> directive(time, 'I') + ":" + directive(time, 'M') + ":" + directive(time, 'S') + " "
					+ directive(time, 'p');
			case 'R' -> directive(time, 'H') + ":" + directive(time, 'M');
			case 's' -> Long.toString(time.toEpochSecond());
			case 'S' -> digits('0', 2, time.getSecond());
			case 't' -> "\t";
			case 'T', 'X' -> directive(time, 'R') + ":" + directive(time, 'S');
			case 'u' -> Integer.toString(time.getDayOfWeek().getValue());
			case 'U' -> digits('0', 2, (time.getDayOfYear() + 6 - time.getDayOfWeek().getValue() % 7) / 7);
			case 'V' -> digits('0', 2, time.get(WeekFields.ISO.weekOfWeekBasedYear()));
			case 'w' -> Integer.toString(time.getDayOfWeek().getValue() % 7);
			case 'W' -> digits('0', 2, (time.getDayOfYear() + 6 - (time.getDayOfWeek().getValue() - 1)) / 7);
			case 'y' -> digits('0', 2, time.getYear() % 100);
			case 'Y' -> Integer.toString(time.getYear());
			// the time that templates see has no zone
			case 'z', 'Z' -> "";
			case '%' -> "%";
			default -> "%" + directive;
		};
	}

	private static String digits(char fill, int width, int number) {
		String digits = Integer.toString(number);
		return String.valueOf(fill).repeat(Math.max(0, width - digits.length())) + digits;
	}

}
