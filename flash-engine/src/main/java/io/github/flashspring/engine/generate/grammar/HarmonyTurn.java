package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.text.ToolDefinition;

/**
 * Writes a turn in OpenAI's harmony format.
 */
final class HarmonyTurn {

	private final Function<ToolDefinition, Expr> arguments;

	HarmonyTurn(Function<ToolDefinition, Expr> arguments) {
		this.arguments = arguments;
	}

	/**
	 * Messages of OpenAI's harmony format, of which the last is the answer or a call. The
	 * prompt ends with the role of the first.
	 * @see <a href="https://cookbook.openai.com/articles/openai-harmony">Harmony</a>
	 */
	Expr of(@Nullable Expr value, @Nullable Calls calls) {
		Expr channel = Expr.specialToken("<|channel|>");
		Expr message = Expr.specialToken("<|message|>");
		Expr content = Expr.many(byteBelow(0xff));
		Expr before = Expr.seq(channel, Expr.literals(List.of("analysis", "commentary")), message, content,
				Expr.specialToken("<|end|>"), Expr.specialToken("<|start|>"), Expr.literal("assistant"));
		Expr constrain = Expr.specialToken("<|constrain|>");
		Expr type = Expr.optional(Expr.seq(Expr.alt(constrain, Expr.seq(Expr.literal(" "), Expr.optional(constrain))),
				Expr.literal("json")));
		List<Expr> last = new ArrayList<>();
		if (calls == null || !calls.required()) {
			last.add(Expr.seq(channel, Expr.literal("final"), type, message, (value != null) ? value : content));
		}
		for (ToolDefinition tool : (calls != null) ? calls.tools() : List.<ToolDefinition>of()) {
			Expr recipient = Expr.literal(" to=functions." + tool.name());
			Expr purpose = Expr.literals(List.of("analysis", "commentary"));
			last.add(Expr.seq(Expr.alt(Expr.seq(recipient, channel, purpose), Expr.seq(channel, purpose, recipient)),
					type, message, this.arguments.apply(tool)));
		}
		return Expr.seq(Expr.many(before), new Expr.Alt(last));
	}

	private static Expr byteBelow(int end) {
		MachineBuilder machine = new MachineBuilder();
		machine.reserve(2);
		machine.define(0, List.of(new int[] { 0, end - 1, 1 }), -1);
		machine.define(1, List.of(), 0);
		return machine.build(List.of(Expr.EMPTY));
	}

}
