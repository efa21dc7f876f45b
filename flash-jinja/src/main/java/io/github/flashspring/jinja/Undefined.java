package io.github.flashspring.jinja;

/**
 * What a name, attribute or element that does not exist evaluates to: prints nothing, is
 * false, holds nothing, and fails when anything else is asked of it.
 *
 * @param message the error's text
 */
record Undefined(String message) {

	static Undefined name(String name) {
		return new Undefined("'" + name + "' is undefined");
	}

	static Undefined of(Object owner, Object key) {
		return new Undefined((key instanceof MarkedText)
				? "'" + Types.name(owner) + " object' has no attribute '" + key + "'"
				: Types.name(owner) + " object has no element " + ((key instanceof Number) ? key : Types.name(key)));
	}

	JinjaException error() {
		return new JinjaException(JinjaException.Kind.UNDEFINED, this.message);
	}

}
