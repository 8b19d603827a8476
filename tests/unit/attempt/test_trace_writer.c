/* test_trace_writer: what is written can be read again, and is what was meant.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "attempt/trace_writer.h"

/* Read strictly: a key that stands twice in an object is a fault. */
static void assert_written(struct writer *writer, json_t *expected)
{
    char *text = writer_take(writer);
    json_error_t error;
    json_t *read = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(read, "%s in %s", error.text, text);
    cr_assert(json_equal(read, expected), "%s", text);
    json_decref(read);
    json_decref(expected);
    free(text);
}

Test(trace_writer, objects_and_lists_in_one_another)
{
    struct writer writer = {0};
    open_object(&writer, NULL);
    put_number(&writer, "one", 1);
    put_text(&writer, "text", "word");
    put_text(&writer, "absent", NULL);
    put_boolean(&writer, "no", false);
    put_flag(&writer, "yes", true);
    put_flag(&writer, "left-out", false);
    open_object(&writer, "empty");
    close_last(&writer);
    open_list(&writer, "list");
    open_list(&writer, NULL);
    close_last(&writer);
    open_object(&writer, NULL);
    open_list(&writer, "numbers");
    put_number(&writer, NULL, INT64_MAX);
    put_number(&writer, NULL, INT64_MIN);
    close_last(&writer);
    close_last(&writer);
    put_text(&writer, NULL, "");
    close_last(&writer);
    put_written(&writer, "written", "{\"a\":[1]}");
    put_written(&writer, "unwritten", NULL);
    close_last(&writer);
    assert_written(&writer,
                   json_pack("{s:i, s:s, s:b, s:b, s:{}, s:[[], {s:[I, I]}, s], s:{s:[i]}}", "one",
                             1, "text", "word", "no", 0, "yes", 1, "empty", "list", "numbers",
                             (json_int_t)INT64_MAX, (json_int_t)INT64_MIN, "", "written", "a", 1));
}

Test(trace_writer, texts_of_strangers)
{
    struct writer writer = {0};
    open_list(&writer, NULL);
    put_text(&writer, NULL, "a \"quoted\" word, a \\ and a /");
    put_text(&writer, NULL, "\"");
    put_text(&writer, NULL, "\x01\t\r\n\x7f Gr\xc3\xbc\xff");
    close_last(&writer);
    assert_written(&writer,
                   json_pack("[s, s, s]", "a \"quoted\" word, a \\ and a /", "\"", "????? Gr???"));
}

Test(trace_writer, longer_than_its_first_room)
{
    static char text[100000];
    struct writer writer = {0};
    memset(text, '"', sizeof(text) - 1);
    json_t *expected = json_array();
    open_list(&writer, NULL);
    for (int i = 0; i < 3000; i++) {
        put_number(&writer, NULL, i);
        json_array_append_new(expected, json_integer(i));
    }
    put_text(&writer, NULL, text);
    json_array_append_new(expected, json_string(text));
    close_last(&writer);
    assert_written(&writer, expected);
}

Test(trace_writer, nothing_and_what_was_begun)
{
    struct writer writer = {0};
    cr_assert_null(writer_take(&writer));
    open_object(&writer, NULL);
    writer_free(&writer);
    cr_assert_null(writer_take(&writer));
}
