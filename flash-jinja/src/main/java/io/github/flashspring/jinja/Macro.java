package io.github.flashspring.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import io.github.flashspring.jinja.Statement.Signature;

/**
 * A macro, or the body of a call block, with the scope that it was defined in.
 *
 * @param signature name, parameters and body
 * @param scope where it was defined
 */
record Macro(Signature signature, Scope scope) implements Function {

	@Override
	public Object call(Rendering rendering, Arguments arguments) {
		Scope inner = this.scope.inner();
		Map<String, Object> named = new LinkedHashMap<>(arguments.named());
		List<Object> positional = arguments.positional();
		List<String> parameters = this.signature.parameters();
		int withoutDefault = parameters.size() - this.signature.defaults().size();
		for (int i = 0; i < parameters.size(); i++) {
			String name = parameters.get(i);
			Object value = named.remove(name);
			if (i < positional.size()) {
				if (value != null) {
					throw error("got multiple values for argument '" + name + "'");
				}
				value = positional.get(i);
			}
			if (value == null) {
				value = (i < withoutDefault) ? new Undefined("parameter '" + name + "' was not provided")
						: rendering.evaluator().evaluate(this.signature.defaults().get(i - withoutDefault), inner);
			}
			inner.set(name, value);
		}
		bindRest(inner, positional, named);
		return rendering.capture(() -> rendering.run(this.signature.body(), inner));
	}

	private void bindRest(Scope inner, List<Object> positional, Map<String, Object> named) {
		int parameters = this.signature.parameters().size();
		if (this.signature.takesCaller() && !this.signature.parameters().contains("caller")) {
			Object caller = named.remove("caller");
			inner.set("caller", (caller != null) ? caller : new Undefined("No caller defined"));
		}
		if (this.signature.takesNamed()) {
			Map<Object, Object> kwargs = new LinkedHashMap<>();
			named.forEach((name, value) -> kwargs.put(MarkedText.trusted(name), value));
			inner.set("kwargs", kwargs);
		}
		else if (named.containsKey("caller")) {
			throw error("was invoked from a call block but does not use 'caller'");
		}
		else if (!named.isEmpty()) {
			throw error("takes no keyword argument '" + named.keySet().iterator().next() + "'");
		}
		if (this.signature.takesMore()) {
			inner.set("varargs",
					Tuple.copyOf(positional.subList(Math.min(parameters, positional.size()), positional.size())));
		}
		else if (positional.size() > parameters) {
			throw error("takes not more than " + parameters + " argument(s)");
		}
	}

	private JinjaException error(String message) {
		return JinjaException.type("macro '" + this.signature.name() + "' " + message);
	}

}
