/* test_trace_text: a trace's text is what json_dumps would have made of it.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "attempt/trace_text.h"

static void assert_as_dumped(json_t *json)
{
    struct arena *arena = arena_create();
    char *expected = json_dumps(json, JSON_COMPACT);
    cr_assert_not_null(expected);
    cr_assert(eq(str, json_text(arena, json), expected));
    free(expected);
    arena_free(&arena);
    json_decref(json);
}

Test(trace_text, everything_that_a_trace_can_hold)
{
    assert_as_dumped(json_object());
    assert_as_dumped(json_array());
    assert_as_dumped(json_pack("{s:i, s:s, s:n, s:b, s:b, s:f}", "one", 1, "two", "text", "none",
                               "yes", 1, "no", 0, "half", 0.5));
    assert_as_dumped(json_pack("{s:[{s:[], s:{}}, s, i], s:{s:{s:[i, i, i]}}}", "list", "empty",
                               "object", "text", -7, "deep", "deeper", "deepest", 1, 2, 3));
    assert_as_dumped(
        json_pack("[I, I, I]", (json_int_t)INT64_MAX, (json_int_t)INT64_MIN, (json_int_t)0));
}

Test(trace_text, texts_that_need_escapes)
{
    assert_as_dumped(json_pack("[s, s, s]", "\"", "\\", "a \"quoted\" word, a \\ and a /"));
    assert_as_dumped(json_pack("{s:s}", "a \"key\"", "\b\f\n\r\t\x01\x1f\x7f"));
    assert_as_dumped(json_pack("[s, s]", "",
                               "Gr\xc3\xbc\xc3\x9f"
                               "e \xe2\x82\xac"));
    assert_as_dumped(json_pack("[s#]", "a\0b", 3));
}

Test(trace_text, longer_than_its_first_room)
{
    static char text[100000];
    memset(text, 'x', sizeof(text) - 1);
    text[4090] = '"';
    json_t *list = json_array();
    for (int i = 0; i < 3000; i++)
        json_array_append_new(list, json_integer(i));
    json_array_append_new(list, json_string(text));
    assert_as_dumped(list);
}
